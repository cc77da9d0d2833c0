# What people and scripts type. All logic is in lab/, tests and the tools themselves.
STACK ?= dev
STRATEGY ?=
WAIT ?=
LAB_NAME ?= $(STACK)
PYTHON ?= python3
PY := .venv/bin/python
RUN = $(PY) -m lab.up
WHICH = --stack $(STACK) --name $(LAB_NAME)

.PHONY: help setup up down verify test test-all acceptance mutations bench docs app picture recording reference day-two
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1	/' | expand -t 12

setup: ## install or build what is missing
	@$(PYTHON) -m lab.setup

up: setup ## the lab, `pulumi up` of STACK (default dev) in it, verification; STRATEGY=… for another strategy
	@$(RUN) up $(WHICH) --strategy "$(STRATEGY)"

down: setup ## undo `up`: the lab with all that is in it
	@$(RUN) down $(WHICH)

verify: setup ## the matrix alone; WAIT=60 to measure again until green, for so many seconds
	@$(RUN) verify $(WHICH) $(if $(WAIT),--wait $(WAIT))

app: setup ## the app team's example on the stack that is up: an app in every region, and what it writes and reads
	@$(PY) -m lab.app $(WHICH)

picture: setup ## verify, and draw what was found: .lab/NAME/topology.html
	@$(RUN) picture $(WHICH)

test: setup ## lint, types, import contracts, tests (the long ones as a sample)
	@$(PY) -m lab.check

test-all: setup ## the same with every test
	@$(PY) -m lab.check --all

acceptance: setup ## what every strategy must do, in a lab each; STRATEGY=… for one (five minutes each)
	@$(PY) -m tests.acceptance $(if $(STRATEGY),--strategies $(STRATEGY))

day-two: setup ## every operation of docs/day-two.md in a lab, under a client, and what it saw (half an hour to an hour)
	@$(PY) -m tests.acceptance.day_two

mutations: setup ## the network of a running STACK, resource by resource: what packets and proof say of each that is gone (an hour)
	@$(PY) -m tests.mutations --name $(LAB_NAME) --write

reference: setup ## docs/schema.json and docs/components.md, made from the components
	@$(PY) -m reference

recording: setup ## docs/recording.md: what a terminal shows of `up`, a fault, `app` and `down` (four minutes)
	@$(PY) -m lab.record

bench: setup ## figures and plots
	@$(PY) -m bench

docs: setup ## these pages as a site in dist/site, every link between them checked
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet && echo dist/site/index.html
