package io.stencil.hub.download;

import io.stencil.hub.Hub;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.TestHubs;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/// A fake hub and a folder for what is fetched from it.
abstract class FakeHubFixture {

    @TempDir
    Path temporary;

    final FakeHub fake = new FakeHub();

    @AfterEach
    void close() {
        fake.close();
    }

    Path base() {
        return temporary.resolve("models");
    }

    Snapshot fetch(HubKind kind, String reference) {
        try (Hub hub = TestHubs.open(kind, fake, base())) {
            return hub.fetch(HubReference.parse("model", reference), Fetcher.Listener.NONE);
        }
    }

    /// Puts a model with files of each kind at `org/klein`.
    void putModel(byte[] weights) {
        fake.repository("org/klein")
                .put("README.md", "a model")
                .put("model_index.json", "{}")
                .put("transformer/config.json", "{\"a\": 1}")
                .put("transformer/one.safetensors", weights)
                .put("transformer/two.safetensors", TestHubs.content(100, 2))
                .put("transformer/old.bin", TestHubs.content(100, 3))
                .put("tokenizer/tokenizer.json", "{}")
                .put("vae/empty.safetensors", new byte[0])
                .put("model.py", "print()");
    }
}
