# One command each; every one of them runs with the JDK that scripts/find-jdk finds.
export JAVA_HOME := $(shell ./scripts/find-jdk)
ifeq ($(JAVA_HOME),)
$(error no JDK)
endif
# Maven's own libraries make a recent Java warn.
export MAVEN_OPTS := --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED $(MAVEN_OPTS)

MVN := mvn -B -ntp

.PHONY: build test check soak format bench docs clean

## All modules, without tests.
build:
	$(MVN) -DskipTests package

## All tests, with the checks of format and size.
test:
	$(MVN) verify

## What a change must pass: all tests, the checks of format and size, API pages without a warning, and the artifacts deployed to a
## repository in target and used from there.
check:
	rm -rf target/repository target/service
	$(MVN) -Prelease deploy -Dmaven.install.skip=true -DaltDeploymentRepository=stencil::file:$(CURDIR)/target/repository
	scripts/use-artifacts target/repository target/service

format:
	$(MVN) -q spotless:apply

## Resident memory over 10,000 training steps and 300 generations and of a server over 2,000 requests, native memory over 500 cancelled
## jobs, 1,200 interleavings of calls on one pipeline, and a training and its first stage that are killed 30 times: some forty minutes.
soak:
	$(MVN) -pl train,service,server,cli -am -Dtest=PipelineMisuseTest,LongRunMemoryTest,CancelMemoryTest,ServerMemoryTest \
	    -Dit.test=ResumeAfterKillIT,SplitTrainingIT \
	    -Dsurefire.failIfNoSpecifiedTests=false -Dfailsafe.failIfNoSpecifiedTests=false -Dtest.tags.excluded=none verify

## Time and memory of each part on this machine; BENCH="--works denoising --repeats 5" hands it options.
bench:
	./stencil bench $(BENCH)

## API pages, in target/reports/apidocs.
docs:
	$(MVN) javadoc:aggregate

clean:
	$(MVN) -q clean
