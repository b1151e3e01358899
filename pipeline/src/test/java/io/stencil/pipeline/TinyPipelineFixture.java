package io.stencil.pipeline;

import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/// A pipeline over the tiny model for all tests of a class.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class TinyPipelineFixture {

    Flux2Pipeline pipeline;

    @BeforeAll
    void load() {
        pipeline =
                Flux2Pipeline.load(ModelFiles.in(TestFiles.tinyModel("")), new LoadOptions(DType.FLOAT32, Device.CPU));
    }

    @AfterAll
    void close() {
        pipeline.close();
    }
}
