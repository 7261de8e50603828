# The developer's verbs; ./run and ./test need no make.
.PHONY: all install clean asan fuzz bench
all: ; tools/deps.sh build && { [ -f build/build.ninja ] || meson setup build --buildtype=release; } && ninja -C build
install: all ; meson install -C build
clean: ; rm -rf build build-*
asan: ; ./test asan proto-asan
fuzz: ; FUZZ_SECONDS=$${SECONDS_EACH:-600} ./test fuzz
bench: all
	tools/deps.sh bench
	bench/peers.sh build/bench/peers
ifneq ($(QUICK)$(BENCH),)
	/usr/bin/python3 bench/run.py $(if $(QUICK),--quick) $(BENCH)
else
	/usr/bin/python3 bench/run.py
	/usr/bin/python3 bench/run.py --growth --rounds 1
	/usr/bin/python3 bench/workers.py --rounds 3
	/usr/bin/python3 bench/page.py build/bench/results.json build/bench/growth.json build/bench/workers.json
endif
