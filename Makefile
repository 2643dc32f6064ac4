# Every verb of the project; `make` alone lists them. Works with GNU make 3.81, which macOS ships.

PYTHON ?= python3
UV ?= uv
KILLS ?= 200
RENDERS ?= 2000
SEED ?= 1
ROUNDS ?= 9
MINUTES ?= 15
CLIPS ?= 10000
TESTERS ?= 3
DOCKER ?= docker
IMAGE_NAME ?= clipline-render
BASE_IMAGE ?= debian:bookworm-slim

BIN := .venv/bin
# A path may hold spaces, quotes and dollars: it travels in the environment, as it was typed.
override VIDEO := $(value VIDEO)
override SPEC := $(value SPEC)
override CHAOS := $(value CHAOS)
override CLOUD := $(value CLOUD)
override FAULTS := $(value FAULTS)
override TRACE := $(value TRACE)
override LANES := $(value LANES)
override REPLAY := $(value REPLAY)
override POOL := $(value POOL)
override PROJECT := $(value PROJECT)
override REGION := $(value REGION)
override VARS := $(value VARS)
override UPLOADS := $(value UPLOADS)
# Some systems have a NAME of their own in the environment: only one that was typed counts.
override NAME := $(if $(filter command line,$(origin NAME)),$(value NAME))
export VIDEO SPEC CHAOS CLOUD FAULTS TRACE LANES REPLAY POOL PROJECT REGION VARS UPLOADS NAME
# A run starts hundreds of Pythons: where none may keep what it compiled, each compiles all again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
# Every verb below: none of them is a file.
.PHONY: $(shell sed -n 's/^\([a-z -]*\):.*/\1/p' $(MAKEFILE_LIST))

help:           ## List what can be asked for
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(if $(CLOUD),dev,runtime) ## Render one video (VIDEO=, SPEC=path; CHAOS=seed; CLOUD=emulators; IMAGE=1)
	@$(BIN)/python -m infra.laptop run $${VIDEO:+--video "$$VIDEO"} $${SPEC:+--spec "$$SPEC"} \
		$${CHAOS:+--chaos "$$CHAOS"} $${CLOUD:+--cloud "$$CLOUD"} $(if $(IMAGE),--image $(IMAGE_NAME))

up: runtime     ## Keep the laptop's cloud running: drop a video into its folder and it is rendered
	@$(BIN)/python -m infra.laptop up

worker: runtime ## Work for a pool of the lanes, beside others, until Ctrl-C (POOL=desk)
	@$(BIN)/python -m render_job worker --pool "$${POOL:-desk}"

reset: runtime  ## Forget the laptop's renders, messages and objects
	@$(BIN)/python -m infra.laptop reset

test: dev       ## Run the tests
	@$(BIN)/python -m pytest --numprocesses $(TESTERS) --dist loadgroup --no-loadscope-reorder \
		-m 'not long'

test-long: dev  ## Run the longest tests: all kinds of sources, functions missing, replays, an upgrade
	@$(BIN)/python -m pytest --numprocesses $(TESTERS) --dist worksteal \
		-m long tests/long tests/upgrade tests/contract tests/infra tests/pipeline tests/simulator

bundle: runtime ## Stage the functions for deployment: a folder and a zip named by their content
	@$(BIN)/python -m infra.bundle

test-bundle: dev ## Serve the staged functions from a clean Python, and try every entry point
	@$(BIN)/python -m pytest tests/bundle

image:          ## Build the render task's image and say its encoder class (IMAGE_FLAGS='--network=host')
	@DOCKER_BUILDKIT=1 $(DOCKER) build $(IMAGE_FLAGS) --build-arg BASE_IMAGE=$(BASE_IMAGE) \
		--file render_job/Dockerfile --tag $(IMAGE_NAME) .
	@$(DOCKER) run --rm --network none --entrypoint /opt/clipline/bin/python $(IMAGE_NAME) \
		-I -m render_job.encoder

test-image: dev ## Run the image: containers that are stopped, killed and starved
	@CLIPLINE_IMAGE=$(IMAGE_NAME) $(BIN)/python -m pytest tests/image

DEPLOYED = $${PROJECT:+--project "$$PROJECT"} $${REGION:+--region "$$REGION"} \
	$${NAME:+--name "$$NAME"} $${VARS:+--vars "$$VARS"}

preflight: runtime ## Look what a deployment would stumble over; changes nothing (PROJECT=, REGION=, VARS=path)
	@$(BIN)/python -m infra.deployment preflight $(DEPLOYED)

plan: runtime   ## Show what a deployment would make; changes nothing (PROJECT=, REGION=)
	@$(BIN)/python -m infra.deployment plan $(DEPLOYED)

deploy: runtime ## The whole pipeline to Google Cloud (PROJECT=, REGION=; NAME=staging, VARS=path)
	@$(BIN)/python -m infra.deployment deploy $(DEPLOYED)

destroy: runtime ## Take it down; data stay (PROJECT=, REGION=; DELETE_DATA=1 takes them, YES=1 asks nothing)
	@$(BIN)/python -m infra.deployment destroy $(DEPLOYED) \
		$(if $(DELETE_DATA),--delete-data) $(if $(YES),--yes)

smoke: $(if $(CLOUD),dev,runtime) ## Send a video through a deployment, break and replay it (PROJECT=, NAME=; CLOUD=emulators)
	@$(BIN)/python -m infra.smoke $${CLOUD:+--cloud "$$CLOUD"} $${PROJECT:+--project "$$PROJECT"} \
		$${NAME:+--name "$$NAME"}

cost: runtime   ## Itemise the bill of a month (UPLOADS=0 is the bill at rest)
	@$(BIN)/python -m infra.deployment.priced $${UPLOADS:+--uploads "$$UPLOADS"}

check: dev      ## What to run before every commit: lint, format, types, the arrows between packages
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo 'Not formatted: run $(BIN)/ruff format' >&2; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports

schemas: dev    ## Write the published schemas and the drawn pages again, from the code
	@$(BIN)/python -m schemas.publish
	@$(BIN)/python -m infra.papers

chaos: runtime  ## Kill the pipeline at every step and count what was lost (KILLS=200)
	@$(BIN)/python -m infra.laptop.chaos --kills $(KILLS)

simulate: dev   ## Live through many faulty histories (RENDERS=2000, SEED=1, FAULTS=…, TRACE=, REPLAY=path)
	@$(BIN)/python -m infra.simulator --renders $(RENDERS) --seed $(SEED) \
		$${FAULTS:+--faults "$$FAULTS"} $${TRACE:+--traces "$$TRACE"} \
		$${REPLAY:+--replay "$$REPLAY"}

simulate-long: RENDERS := 1000000
simulate-long: simulate ## The same, a million renders long

burst: dev      ## Ten thousand clips at once against shared quotas, in virtual time, packed and not (CLIPS=10000)
	@$(BIN)/python -m infra.simulator.burst --clips $(CLIPS)
	@$(BIN)/python -m infra.simulator.burst --clips $(CLIPS) --packed

stockouts: dev  ## How soon a render runs elsewhere when its lane is out, over a grid, in virtual time
	@$(BIN)/python -m infra.simulator.stockouts

policy: dev     ## Fly the real routing over capacity traces, beside its rivals (TRACE=path, LANES=path)
	@$(BIN)/python -m infra.policy $${TRACE:+--trace "$$TRACE"} $${LANES:+--lanes "$$LANES"}

mutants: dev    ## Plant known bugs one by one: the simulator must find each
	@$(BIN)/python -m infra.simulator.mutants

exactness: dev  ## Compare chunks with the single pass over all sources, into docs/exactness.md
	@mkdir -p build
	@$(BIN)/python -m tests.exactness >build/exactness.md
	@mv build/exactness.md docs/exactness.md

hostile: dev    ## Send every hostile and odd upload the whole way and print how each ended
	@$(BIN)/python -m tests.hostile

fuzz: dev       ## Mutate real containers by seed and send them the whole way (MINUTES=15, SEED=1)
	@$(BIN)/python -m tests.hostile.fuzz --minutes $(MINUTES) --seed $(SEED)

bench-imports: dev ## Measure what each entry point costs to import
	@$(BIN)/python -m tests.bench_imports

bench-chunks: dev ## Simulate how well tasks share the chunks of a plan
	@$(BIN)/python -m tests.bench_chunks

bench-chaos: dev ## Measure what kills cost a render, against calm runs (ROUNDS=9, 4 minutes each)
	@$(BIN)/python -m tests.bench_chaos --rounds $(ROUNDS)

bench-render: dev ## Measure a render from upload to verified file, beside one plain ffmpeg (ROUNDS=9)
	@$(BIN)/python -m tests.bench_render --rounds $(ROUNDS)

bench-reads: dev ## Measure how much of an upload a render reads, by kind of container
	@$(BIN)/python -m tests.bench_reads

bench-memory: dev ## Measure what making, joining and planning need of memory, short and long
	@$(BIN)/python -m tests.bench_memory

bench-beside: dev ## What live renders wait beside a replay of a thousand, in virtual time
	@$(BIN)/python -m tests.bench_beside

bench-transitions: dev ## Measure transitions a second, beside Celery, Dramatiq and Huey
	@$(BIN)/python -m tests.bench_transitions --rounds $(ROUNDS)

COMPILE = $(UV) pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command 'make lock' \
	$(if $(UPGRADE),--upgrade) pyproject.toml

lock:           ## Write the lock again after a change of dependencies (UPGRADE=1 takes newer ones)
	@command -v $(UV) >/dev/null || { echo 'make lock needs uv: pip install uv' >&2; exit 2; }
	@$(COMPILE) --output-file requirements.txt
	@$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt

clean:          ## Remove what the tools made; the laptop's renders stay
	@rm -rf .venv build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache \
		.pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime dev:
	@$(PYTHON) infra/venv.py $@
