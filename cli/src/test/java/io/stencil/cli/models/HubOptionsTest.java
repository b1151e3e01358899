package io.stencil.cli.models;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class HubOptionsTest {

    @ParameterizedTest
    @CsvSource({
        "modelscope-ai, https://www.modelscope.ai, MODELSCOPE_INTERNATIONAL",
        "ModelScope-AI, https://www.modelscope.ai, MODELSCOPE_INTERNATIONAL"
    })
    void aHubHasItsOwnSite(String name, String site, String kind) {
        HubOptions options = new HubOptions();
        new CommandLine(CommandLine.Model.CommandSpec.forAnnotatedObject(options)).parseArgs("--hub", name);
        assertThat(options.settings().site()).hasToString(site);
        assertThat(options.settings().hub()).hasToString(kind);
    }
}
