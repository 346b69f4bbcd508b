# Two commands do everything: `make demo` shows the main job, `make test` proves it. Both set up what they need.
.PHONY: demo test bench docs library clean

demo:
	@tools/setup demo
	@.venv/bin/python examples/demo.py

test:
	@tools/setup test
	@tools/test

bench:
	@tools/setup bench
	@.venv/bin/python benchmarks/run.py

docs:
	@tools/setup test
	@.venv/bin/python tools/guide.py build/guide

library:
	@tools/setup demo
	@.venv/bin/python tools/library.py

clean:
	rm -rf .venv .make dist build/lib *.egg-info
