"""What the tests share: namespaces, the server under test, clients that do as they are told."""
