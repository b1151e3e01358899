# `stencil serve` in a container:
#   docker build -t stencil .
#   docker run --rm -p 8080:8080 -e STENCIL_API_KEY=... -v "$PWD/klein:/models/klein:ro" stencil serve --host 0.0.0.0 --model_paths /models/klein
# A JDK and not a JRE: Templates come as Model.java, which is compiled when they are loaded. With Templates that have a
# model.jar alone, a JRE does.
FROM eclipse-temurin:25-jdk AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends maven \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Builds, and copies what runs to /opt/stencil.
RUN scripts/install /opt/stencil

FROM eclipse-temurin:25-jdk
RUN useradd --uid 10001 --create-home stencil
COPY --from=build /opt/stencil /opt/stencil
USER 10001
ENV LANG=C.UTF-8
EXPOSE 8080
# Unpacks libtorch once, here and not at every start, and proves that it loads: 0.8 GB.
RUN ["/opt/stencil/bin/stencil", "generate", "--model_paths", "/opt/stencil/models/tiny-klein", "--prompt", "a red circle", \
     "--height", "64", "--width", "64", "--num_inference_steps", "1", "--output", "/home/stencil/image.png"]
ENTRYPOINT ["/opt/stencil/bin/stencil"]
CMD ["help"]
