package io.stencil.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.train.data.Dataset.BadRow;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.DataOptions.FileKey;
import io.stencil.train.options.DataOptions.OnBadRow;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The three formats give the same rows, and every fault of a row is reported with file, line and field.
class MetadataTest {

    private static final Set<ExtraInput> ALL = EnumSet.allOf(ExtraInput.class);

    @TempDir
    Path folder;

    @BeforeEach
    void paint() throws IOException {
        RgbImageWriter.write(RgbImage.filled(new ImageSize(64, 48), 0x336699), folder.resolve("a.png"));
        RgbImageWriter.write(RgbImage.filled(new ImageSize(40, 40), 0x996633), folder.resolve("sub/b c.png"));
    }

    private Dataset read(String name, String text, Set<ExtraInput> extra) throws IOException {
        Path file = folder.resolve(name);
        Files.writeString(file, text);
        return Dataset.read(options(file, extra).build().data());
    }

    private TrainOptions.Builder options(Path metadata, Set<ExtraInput> extra) {
        return TrainOptions.builder(new ModelFiles(List.of(), null), folder, metadata, folder.resolve("out"))
                .extraInputs(extra)
                .template(extra.contains(ExtraInput.TEMPLATE_INPUTS) ? folder : null)
                .trainable(List.of("dit"));
    }

    @Test
    void jsonLinesCsvAndArraysGiveTheSameRows() throws IOException {
        Dataset array = read("m.json", """
                [
                  {"image": "a.png", "prompt": "one", "template_inputs": {"scale": 0.5}, "edit_image": "sub/b c.png"},
                  {"image": "sub/b c.png", "prompt": "two, \\"quoted\\"\\nand a line", "mood": 3,
                   "template_inputs": {"scale": 1, "image": "x.png"}, "edit_image": ["a.png", "sub/b c.png"]}
                ]
                """, ALL);
        Dataset lines = read("m.jsonl", """
                {"image": "a.png", "prompt": "one", "template_inputs": {"scale": 0.5}, "edit_image": "sub/b c.png"}

                {"image": "sub/b c.png", "prompt": "two, \\"quoted\\"\\nand a line", "template_inputs": {"scale": 1, \
                "image": "x.png"}, "edit_image": ["a.png", "sub/b c.png"]}
                """, ALL);
        Dataset table = read("m.csv", """
                image,prompt,template_inputs,edit_image,mood
                a.png,one,"{""scale"": 0.5}",sub/b c.png,
                sub/b c.png,"two, ""quoted""
                and a line","{""scale"": 1, ""image"": ""x.png""}","[""a.png"", ""sub/b c.png""]",3
                """, ALL);
        for (Dataset dataset : List.of(array, lines, table)) {
            assertThat(dataset.rows()).hasSize(2);
            DatasetRow first = dataset.rows().get(0);
            DatasetRow second = dataset.rows().get(1);
            assertThat(first.image()).isEqualTo(folder.resolve("a.png"));
            assertThat(first.prompt()).isEqualTo("one");
            assertThat(first.editImages()).containsExactly(folder.resolve("sub/b c.png"));
            assertThat(first.templateInputs()).hasToString("{\"scale\":0.5}");
            assertThat(second.prompt()).isEqualTo("two, \"quoted\"\nand a line");
            assertThat(second.editImages()).containsExactly(folder.resolve("a.png"), folder.resolve("sub/b c.png"));
            assertThat(second.templateInputs()).hasToString("{\"scale\":1,\"image\":\"x.png\"}");
        }
        assertThat(array.rows().get(1).location()).hasToString(folder.resolve("m.json") + ":3");
        assertThat(lines.rows().get(1).location()).hasToString(folder.resolve("m.jsonl") + ":3");
        assertThat(table.rows().get(1).location()).hasToString(folder.resolve("m.csv") + ":3");
    }

    @Test
    void rowsHaveWeights() throws IOException {
        Dataset lines = read("m.jsonl", """
                {"image": "a.png", "prompt": "p", "weight": 0.25}
                {"image": "a.png", "prompt": "p", "weight": 0}
                {"image": "a.png", "prompt": "p", "weight": null}
                {"image": "a.png", "prompt": "p"}
                """, Set.of());
        Dataset table = read("m.csv", "image,prompt,weight\na.png,p,0.25\na.png,p,0\na.png,p,\na.png,p,1\n", Set.of());
        for (Dataset dataset : List.of(lines, table)) {
            assertThat(dataset.rows().stream().map(DatasetRow::weight)).containsExactly(0.25, 0.0, 1.0, 1.0);
        }
        assertThatThrownBy(lines::requireNoWeights)
                .hasMessage(
                        folder.resolve("m.jsonl") + ":1: 'weight': has no part in --task vae; leave the column out");
    }

    @Test
    void whatIsNotAskedForIsNotRead() throws IOException {
        DatasetRow row = read(
                        "m.jsonl",
                        "{\"image\": \"a.png\", \"prompt\": \"\", \"edit_image\": 7, \"template_inputs\": []}",
                        Set.of())
                .rows()
                .getFirst();
        assertThat(row.editImages()).isEmpty();
        assertThat(row.templateInputs()).isNull();
        assertThat(row.prompt()).isEmpty();
    }

    @Test
    void columnsThatAreNamedAsFilesAreOpened() throws IOException {
        String row = "{\"image\": \"a.png\", \"prompt\": \"\", \"video\": \"v.mp4\", \"edit_image\": \"none.png\"}";
        Path file = Files.writeString(folder.resolve("m.jsonl"), row);
        Set<ExtraInput> none = Set.of();

        assertThat(Dataset.read(options(file, none).build().data()).rows()).hasSize(1);
        assertThatThrownBy(() -> Dataset.read(options(file, none)
                        .fileKeys(EnumSet.of(FileKey.IMAGE, FileKey.EDIT_IMAGE))
                        .build()
                        .data()))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage("%s:1: 'edit_image': %s: no such file; give the path of an image"
                        .formatted(file, folder.resolve("none.png")));
        assertThatThrownBy(() -> Dataset.read(options(file, none)
                        .fileKeys(EnumSet.of(FileKey.IMAGE, FileKey.VIDEO))
                        .build()
                        .data()))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(
                        "%s:1: 'video': videos are not supported; leave the row out, or video out of --data_file_keys"
                                .formatted(file));
    }

    @Test
    void aColumnThatIsNamedButDoesNotGoInMayBeMissing() throws IOException {
        Path file = Files.writeString(
                folder.resolve("m.jsonl"),
                "{\"image\": \"a.png\", \"prompt\": \"\"}\n{\"image\": \"a.png\", \"prompt\": \"\", \"edit_image\": \"a.png\"}");
        Dataset dataset = Dataset.read(options(file, Set.of())
                .fileKeys(EnumSet.allOf(FileKey.class))
                .build()
                .data());
        assertThat(dataset.rows())
                .allSatisfy(row -> assertThat(row.editImages()).isEmpty());
    }

    @Test
    void linesOfCsvAreCountedThroughCellsWithLineBreaks() {
        assertThatThrownBy(() -> read("m.csv", "image,prompt\na.png,\"one\ntwo\nthree\"\nmissing.png,four\n", Set.of()))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage("%s:5: 'image': %s: no such file; give the path of an image"
                        .formatted(folder.resolve("m.csv"), folder.resolve("missing.png")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"prompt": "p"}                                    | : 'image': is missing; every row needs it, found the columns prompt
            {"image": null, "prompt": "p"}                     | : 'image': is missing; every row needs it, found the columns image, prompt
            {"image": 3, "prompt": "p"}                        | : 'image': must be a string, found 3
            {"image": " ", "prompt": "p"}                      | : 'image': must be the path of an image, found an empty string
            {"image": "a.png"}                                 | : 'prompt': is missing; every row needs it, found the columns image
            {"image": "a.png", "prompt": ["p"]}                | : 'prompt': must be a string, found ["p"]
            {"image": "a.png", "prompt": "p", "template_inputs": {}} | : 'edit_image': is missing; every row needs it, found the columns image, prompt, template_inputs
            {"image": "a.png", "prompt": "p", "edit_image": "a.png"} | : 'template_inputs': is missing; every row needs it, found the columns image, prompt, edit_image
            {"image": "a.png", "prompt": "p", "edit_image": [], "template_inputs": {}} | : 'edit_image': must name at least one image, found []
            {"image": "a.png", "prompt": "p", "edit_image": ["a.png", 1], "template_inputs": {}} | : 'edit_image': must be a string, found 1
            {"image": "a.png", "prompt": "p", "edit_image": "a.png", "template_inputs": [1]} | : 'template_inputs': must be a JSON object, found [1]
            {"image": "a.png", "prompt": "p", "edit_image": "a.png", "template_inputs": {}, "weight": -1} | : 'weight': must be a finite number of at least 0, found -1
            {"image": "a.png", "prompt": "p", "edit_image": "a.png", "template_inputs": {}, "weight": "NaN"} | : 'weight': must be a finite number of at least 0, found "NaN"
            {"image": "a.png", "prompt": "p", "edit_image": "a.png", "template_inputs": {}, "weight": 1e39} | : 'weight': must be a finite number of at least 0, found 1.0E39
            {"image": "a.png", "prompt": "p", "edit_image": "a.png", "template_inputs": {}, "weight": []} | : 'weight': must be a finite number of at least 0, found []
            ["a.png"]                                          | : a row must be a JSON object, found ["a.png"]
            """)
    void aRowThatCannotBeUsedIsTold(String row, String fault) {
        String good = "{\"image\": \"a.png\", \"prompt\": \"p\", \"edit_image\": \"a.png\", \"template_inputs\": {}}\n";
        assertThatThrownBy(() -> read("m.jsonl", good + "\n" + row + "\n" + good, ALL))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(folder.resolve("m.jsonl") + ":3" + fault);
    }

    @Test
    void filesThatAreNoPicturesAreToldBeforeAnythingIsLoaded() throws IOException {
        Files.writeString(folder.resolve("text.png"), "hello there");
        Files.createFile(folder.resolve("empty.png"));
        for (String name : List.of("text.png", "empty.png", "sub", "none.png")) {
            assertThatThrownBy(() -> read("m.jsonl", "{\"image\": \"%s\", \"prompt\": \"\"}".formatted(name), Set.of()))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageStartingWith(
                            "%s:1: 'image': %s: ".formatted(folder.resolve("m.jsonl"), folder.resolve(name)));
        }
    }

    @Test
    void aPictureThatCannotBeDecodedIsToldWithItsRow() throws IOException {
        byte[] whole = Files.readAllBytes(folder.resolve("a.png"));
        Files.write(folder.resolve("cut.png"), java.util.Arrays.copyOf(whole, whole.length / 2));
        RgbImageWriter.write(RgbImage.filled(new ImageSize(8, 8), 0), folder.resolve("tiny.png"));
        Dataset dataset = read(
                "m.jsonl",
                "{\"image\": \"cut.png\", \"prompt\": \"\"}\n{\"image\": \"tiny.png\", \"prompt\": \"\"}",
                Set.of());
        assertThatThrownBy(() -> dataset.load(dataset.rows().get(0)))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith("%s:1: 'image': %s".formatted(folder.resolve("m.jsonl"), folder));
        assertThatThrownBy(() -> dataset.load(dataset.rows().get(1)))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("m.jsonl:2: 'image'")
                .hasMessageContaining("8 x 8");
    }

    @Test
    void picturesAreBroughtToSize() throws IOException {
        Path file = folder.resolve("m.jsonl");
        Files.writeString(file, "{\"image\": \"a.png\", \"prompt\": \"p\", \"edit_image\": \"sub/b c.png\"}");
        Set<ExtraInput> edit = Set.of(ExtraInput.EDIT_IMAGE);
        Dataset own = Dataset.read(options(file, edit).build().data());
        Sample.Content sample = own.load(own.rows().getFirst());
        assertThat(sample.image().size()).isEqualTo(new ImageSize(64, 48));
        assertThat(sample.editImages().getFirst().size()).isEqualTo(new ImageSize(32, 32));
        Dataset bounded =
                Dataset.read(options(file, edit).maxPixels(1200).build().data());
        assertThat(bounded.load(bounded.rows().getFirst()).image().size()).isEqualTo(new ImageSize(32, 16));
        Dataset fixed = Dataset.read(options(file, edit).size(32, 80).build().data());
        assertThat(fixed.load(fixed.rows().getFirst()).image().size()).isEqualTo(new ImageSize(80, 32));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            m.json  | {"image": "a.png"}          | : must be a JSON array of rows
            m.json  | [{"image": "a.png",,}]      | :1: is not JSON
            m.json  | [{"image": "a", "image": "b"}] | :1: is not JSON: Duplicate field 'image'
            m.json  | [] []                       | :1: has text behind the end of the array
            m.json  | []                          | : holds no rows
            m.jsonl | {"image": "a.png"           | :1: is not JSON
            m.jsonl | {"image": "a.png"} {}       | :1: is not JSON
            m.csv   | image,prompt                | : holds no rows
            m.csv   | image,image                 | : is not CSV
            """)
    void aMalformedFileIsTold(String name, String text, String fault) {
        assertThatThrownBy(() -> read(name, text, Set.of()))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(folder.resolve(name) + fault);
    }

    /// What a name may have meant that is no file.
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            https://example.org/a.png | URLs are not supported: download the image and give its path
            file:///data/a.png        | URLs are not supported: download the image and give its path
            ~/a.png                   | '~' is not expanded: write the whole path of the home directory
            sub\\\\b c.png             | write '/' between folders, '\\' is part of a file name here
            caf\\u00e9.png            | a file of this name exists in Unicode normalization form NFD: rename it, or write its name in that form
            no.png                    | give the path of an image
            """)
    void aNameThatIsNoFileGetsAHint(String name, String hint) throws IOException {
        RgbImageWriter.write(RgbImage.filled(new ImageSize(32, 32), 0), folder.resolve("cafe\u0301.png"));
        assertThatThrownBy(() -> read("m.jsonl", "{\"image\": \"%s\", \"prompt\": \"p\"}".formatted(name), Set.of()))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(folder.resolve("m.jsonl") + ":1: 'image': " + folder)
                .hasMessageEndingWith(": no such file; " + hint);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'image': 'a.png', 'prompt': 'p'}",
                "{\"image\": \"a.png\", \"prompt\": None}",
                "{\"image\": \"a.png\", \"flags\": [True]}"
            })
    void aPythonDictIsRecognised(String row) {
        String hint =
                "; it looks like a Python dict: JSON needs double quotes, and null, true, false for None, True, False";
        assertThatThrownBy(() -> read("m.jsonl", row, Set.of()))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(folder.resolve("m.jsonl") + ":1: is not JSON: ")
                .hasMessageEndingWith(hint);
        assertThatThrownBy(() -> read("m.json", "[\n" + row + "]", Set.of()))
                .hasMessageStartingWith(folder.resolve("m.json") + ":2: is not JSON: ")
                .hasMessageEndingWith(hint);
        assertThatThrownBy(() -> read("m.jsonl", "{\"image\": \"it's: None\" ", Set.of()))
                .hasMessageStartingWith(folder.resolve("m.jsonl") + ":1: is not JSON: ")
                .hasMessageNotContaining("Python");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '/', textBlock = """
            image;prompt/';'
            image|prompt/'|'
            """, quoteCharacter = '`')
    void anotherSeparatorOfColumnsIsNamed(String header, String separator) {
        assertThatThrownBy(() -> read("m.csv", header + "\na.png;p\n", Set.of()))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage("%s:1: separates its columns by %s; save it as CSV with commas"
                        .formatted(folder.resolve("m.csv"), separator));
        assertThatThrownBy(() -> read("m.csv", "image\tprompt\na.png\tp\n", Set.of()))
                .hasMessage(folder.resolve("m.csv") + ":1: separates its columns by tabs; save it as CSV with commas");
    }

    @Test
    void rowsThatCannotBeUsedAreCollected() throws IOException {
        Path file = Files.writeString(folder.resolve("m.jsonl"), """
                {"image": "a.png", "prompt": "p"}
                {"image": "none.png", "prompt": "p"}
                {"image": "a.png", "prompt":
                {"image": "a.png", "prompt": "last"}
                """);
        Dataset all = Dataset.readAll(options(file, Set.of()).build().data());
        assertThat(all.rows()).extracting(DatasetRow::prompt).containsExactly("p", "last");
        assertThat(all.indices()).containsExactly(0, 3);
        assertThat(all.bad()).extracting(BadRow::index).containsExactly(1, 2);
        assertThat(all.bad().get(0).reason()).startsWith(file + ":2: 'image': ");
        assertThat(all.bad().get(1).reason()).startsWith(file + ":3: is not JSON");
        assertThatThrownBy(() -> Dataset.read(
                        options(file, Set.of()).onBadRow(OnBadRow.SKIP).build().data()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'on_bad_row': 2 of 4 rows cannot be used, at most 1 may be skipped; "
                        + "'stencil dataset check' lists them, the first: "
                        + all.bad().get(0).reason());
    }

    @Test
    void headsOfImagesAreCheckedWithoutDecoding() throws IOException {
        RgbImageWriter.write(RgbImage.filled(new ImageSize(15, 200), 0), folder.resolve("thin.png"));
        Dataset dataset = read(
                "m.jsonl",
                "{\"image\": \"a.png\", \"prompt\": \"\", \"edit_image\": \"thin.png\"}",
                Set.of(ExtraInput.EDIT_IMAGE));
        assertThatThrownBy(dataset::checkHeads)
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith("%s:1: 'edit_image': %s: 'max_pixels': an image of 15 x 200 pixels"
                        .formatted(folder.resolve("m.jsonl"), folder.resolve("thin.png")));
    }

    @Test
    void faultsInsideCsvCellsAreTold() {
        assertThatThrownBy(() -> read("m.csv", "image,prompt\na.png,a, b\n", Set.of()))
                .hasMessage(folder.resolve("m.csv")
                        + ":2: has 3 cells, the header names 2 columns; quote cells that contain commas");
        assertThatThrownBy(() -> read(
                        "m.csv", "image,prompt,template_inputs\na.png,p,{scale\n", Set.of(ExtraInput.TEMPLATE_INPUTS)))
                .hasMessageStartingWith(folder.resolve("m.csv") + ":2: is not JSON");
        assertThatThrownBy(() -> read("m.csv", "image,prompt\na.png,\"open\n", Set.of()))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(folder.resolve("m.csv") + ": is not CSV");
    }

    @ParameterizedTest
    @ValueSource(strings = {"m.txt", "m", "m.parquet"})
    void anUnknownFormatIsTold(String name) {
        assertThatThrownBy(() -> read(name, "[]", Set.of()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'dataset_metadata_path': expected a .json, .jsonl or .csv file");
    }

    @Test
    void absentAndUnreadableFilesAreTold() throws IOException {
        assertThatThrownBy(() -> MetadataFile.read(folder.resolve("none.json")))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(folder.resolve("none.json") + ": does not exist; check --dataset_metadata_path");
        Files.write(folder.resolve("latin.csv"), "image,prompt\nü,ü".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> MetadataFile.read(folder.resolve("latin.csv")))
                .hasMessage(folder.resolve("latin.csv") + ": is not UTF-8 text; save it as UTF-8");
        Path absent = folder.resolve("absent");
        assertThatThrownBy(() -> Dataset.read(
                        TrainOptions.builder(new ModelFiles(List.of(), null), absent, folder.resolve("m.json"), folder)
                                .trainable(List.of("dit"))
                                .build()
                                .data()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'dataset_base_path': '%s' is not a directory".formatted(absent));
    }

    @Test
    void anEpochThatIsTooLongIsToldBeforeRowsAreLookedAt() throws IOException {
        Path file = Files.writeString(folder.resolve("m.jsonl"), "{\"image\": \"none.png\"}\n".repeat(3));
        assertThatThrownBy(() -> Dataset.read(options(file, Set.of())
                        .repeat(Integer.MAX_VALUE)
                        .build()
                        .data()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'dataset_repeat': 2147483647 makes 6442450941 samples an epoch of 3 rows, "
                        + "at most 100000000 are allowed; use --num_epochs for more");
    }

    @Test
    void aByteOrderMarkIsNoPartOfTheFirstColumn() throws IOException {
        assertThat(read("m.csv", "\uFEFFimage,prompt\na.png,p\n", Set.of()).rows())
                .hasSize(1);
    }
}
