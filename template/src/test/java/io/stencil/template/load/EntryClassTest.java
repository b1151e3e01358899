package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.TemplateException;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What the class `Model` and its records must be.
class EntryClassTest {

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "public final class Model {}" + "|class Model must implement io.stencil.template.Template<I, P>",
                "package a; public final class Model {}|declares no class Model in the default package",
                "abstract class Base<I extends Record> implements io.stencil.template.Template<I, I> {}"
                        + " public abstract class Model extends Base<Record> {}"
                        + "|class Model must itself declare 'implements Template<INPUT, PROCESSED>' with two records",
                "public abstract class Model implements io.stencil.template.Template<Record, Record> {}"
                        + "|class Model must be public and not abstract",
            })
    void theClassIsNamedWithItsFault(String text, String message) throws IOException {
        TemplateFolder template = new ModelSource(text).in(folder);
        assertThatThrownBy(template::describeInputs)
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("Model.java: " + message);
    }

    @Test
    void theInputsMustBeARecordOfTheirOwn() throws IOException {
        TemplateFolder template = ModelSource.GOOD
                .with("Template<Model.Input, Model.Input>", "Template<Record, Record>")
                .with("<Input, Input>", "<Record, Record>")
                .with("Input processInputs(Input in", "Record processInputs(Record in")
                .with("forward(Input in", "forward(Record in")
                .in(folder);
        assertThatThrownBy(template::describeInputs)
                .hasMessageEndingWith(
                        "the inputs of Template<INPUT, PROCESSED> must be a record, found java.lang.Record");
    }

    @ParameterizedTest
    @CsvSource({
        "'Set<String> names', names, java.util.Set<java.lang.String>",
        "'List<int[]> sizes', sizes, int[]",
        "'List rows', rows, java.util.List",
        "'Inner inner', inner.again.thread, java.lang.Thread",
        "'Optional<Input> next', next, Model$Input",
    })
    void aComponentThatCannotBeBoundIsNamedByItsPath(String component, String path, String type) throws IOException {
        TemplateFolder template = ModelSource.GOOD
                .with(
                        "public record Input(double scale) {}",
                        "public record Input(" + component + ") {} public record Inner(Again again) {}"
                                + " public record Again(Thread thread) {}")
                .in(folder);
        assertThatThrownBy(template::describeInputs)
                .isInstanceOf(TemplateException.class)
                .hasMessageEndingWith("component '%s' of record Input is of type %s, which cannot be bound from JSON"
                        .formatted(path, type));
    }

    @Test
    void theInputsAreDescribed() throws IOException {
        TemplateFolder template = ModelSource.GOOD
                .with("record Input(double scale)", "record Input(double scale, Optional<String> sceneName)")
                .in(folder);
        assertThat(template.describeInputs()).contains("scale (a number), scene_name (a string, optional)");
    }
}
