// The engine of the Go original, used as it used it: a file opened per request.
package main

import (
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/pin/tftp"
)

func main() {
	root := os.Args[2]
	read := func(name string, rf io.ReaderFrom) error {
		file, err := os.Open(filepath.Join(root, filepath.Clean("/"+name)))
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = rf.ReadFrom(file)
		return err
	}
	log.Fatal(tftp.NewServer(read, nil).ListenAndServe(os.Args[1]))
}
