package io.stencil.cli.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrustDialogTest {

    @Test
    void whereNobodySitsNothingIsAskedAndNothingAgreed() {
        StringWriter err = new StringWriter();
        HubModels.TrustDialog dialog = new HubModels.TrustDialog(new PrintWriter(err, true), null);
        assertThat(dialog.ask("run it?")).isFalse();
        assertThat(err.toString()).isEmpty();
        dialog.report("trusting code");
        assertThat(err.toString()).startsWith("stencil: trusting code");
    }

    @ParameterizedTest
    @ValueSource(strings = {"y", "Y", " yes "})
    void yesIsAYes(String answer) {
        assertThat(HubModels.TrustDialog.isYes(answer)).isTrue();
    }

    @ParameterizedTest
    @NullSource // the end of the input
    @ValueSource(strings = {"", "n", "yellow", "no"})
    void allElseIsANo(@Nullable String answer) {
        assertThat(HubModels.TrustDialog.isYes(answer)).isFalse();
    }
}
