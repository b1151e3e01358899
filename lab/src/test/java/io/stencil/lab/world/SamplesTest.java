package io.stencil.lab.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stencil.image.RgbImage;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// The inputs of each kind of dataset are true of its images, as measured from the pixels.
class SamplesTest {

    private static List<Sample> samples(DatasetWriter.Kind kind, int count) {
        DatasetWriter.DatasetPlan plan = new DatasetWriter.DatasetPlan(kind, count, 31, 64);
        return IntStream.range(0, count)
                .mapToObj(index -> DatasetWriter.sample(plan, index))
                .toList();
    }

    /// Varied samples that several tests share, painted once.
    private static List<Sample> varied() {
        return Varied.SAMPLES;
    }

    private static final class Varied {
        static final List<Sample> SAMPLES = samples(DatasetWriter.Kind.VARIED, 600);
    }

    private static RgbImage image(Sample sample, String path) {
        return sample.images().stream()
                .filter(image -> image.path().equals(path))
                .map(Sample.NamedImage::image)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no image " + path));
    }

    private static RgbImage target(Sample sample) {
        return image(sample, sample.row().image());
    }

    private static <T extends Sample.TemplateInputs> T inputs(Class<T> type, Sample sample) {
        return type.cast(Objects.requireNonNull(sample.row().templateInputs()));
    }

    private static double[] all(List<Sample> samples, ToDoubleFunction<Sample> value) {
        return samples.stream().mapToDouble(value).toArray();
    }

    @Test
    void brightnessIsSpreadEvenlyAndTold() {
        List<Sample> samples = samples(DatasetWriter.Kind.BRIGHTNESS, 200);
        double[] scales = all(
                samples,
                sample -> inputs(Sample.TemplateInputs.Scale.class, sample).scale());
        for (Sample sample : samples) {
            assertThat(Statistics.meanBrightness(target(sample)))
                    .isCloseTo(
                            0.15
                                    + 0.4
                                            * inputs(Sample.TemplateInputs.Scale.class, sample)
                                                    .scale(),
                            within(1e-4));
        }
        assertThat(Arrays.stream(scales)).allMatch(scale -> scale > -0.01 && scale < 1.01);
        assertThat(IntStream.range(0, 5)
                        .mapToLong(fifth -> Arrays.stream(scales)
                                .filter(scale -> scale >= fifth / 5.0 && scale < (fifth + 1) / 5.0)
                                .count()))
                .allMatch(count -> count > 20);
    }

    @Test
    void channelsAreTold() {
        List<Sample> samples = samples(DatasetWriter.Kind.RGB, 100);
        for (Sample sample : samples) {
            Sample.TemplateInputs.Channels given = inputs(Sample.TemplateInputs.Channels.class, sample);
            RgbImage image = target(sample);
            assertThat(Statistics.channelMean(image, 0)).isCloseTo(0.05 + 0.8 * given.red(), within(1e-4));
            assertThat(Statistics.channelMean(image, 1)).isCloseTo(0.05 + 0.8 * given.green(), within(1e-4));
            assertThat(Statistics.channelMean(image, 2)).isCloseTo(0.05 + 0.8 * given.blue(), within(1e-4));
        }
        double[] red = all(
                samples,
                sample -> inputs(Sample.TemplateInputs.Channels.class, sample).red());
        double[] blue = all(
                samples,
                sample -> inputs(Sample.TemplateInputs.Channels.class, sample).blue());
        assertThat(Statistics.pearson(red, blue))
                .as("channels vary by themselves")
                .isBetween(-0.5, 0.5);
    }

    @Test
    void variedImagesAreWhatTheirCaptionsEndWith() {
        List<Sample> samples = varied();
        String[] sceneEnds = {
            "background", "left", "right", "top", "bottom", "center", "circle", "square", "triangle", "ring"
        };
        assertThat(count(samples, sceneEnds) / 600.0)
                .as("share of those that describe the scene alone")
                .isBetween(0.24, 0.36);
        assertThat(mean(samples, "bright light", Statistics::meanBrightness))
                .isGreaterThan(0.1 + mean(samples, "dim light", Statistics::meanBrightness));
        double[] red = {meanShare(samples, "red light", 0), meanShare(samples, "cyan light", 0)};
        double[] green = {meanShare(samples, "green light", 1), meanShare(samples, "magenta light", 1)};
        double[] blue = {meanShare(samples, "blue light", 2), meanShare(samples, "yellow light", 2)};
        assertThat(List.of(red[0] - red[1], green[0] - green[1], blue[0] - blue[1]))
                .allMatch(difference -> difference > 0.08);
        assertThat(meanEnergy(samples, "sharp")).isGreaterThan(1.3 * meanEnergy(samples, ", blurry"));
        assertThat(meanEnergy(samples, ", blurry")).isGreaterThan(1.3 * meanEnergy(samples, ", very blurry"));
        for (Style style : Style.BANK) {
            assertThat(count(samples, style.name().toLowerCase(Locale.ROOT) + " style"))
                    .isBetween(10L, 50L);
        }
        assertThat(samples)
                .filteredOn(sample -> sample.row().prompt().endsWith("white frame"))
                .hasSizeBetween(10, 40)
                .allSatisfy(sample -> assertThat(Statistics.styleScore(Style.FRAME, target(sample)))
                        .isGreaterThan(0.15));
        List<String> numbers = List.of("one dot", "two dots", "three dots", "four dots", "five dots");
        assertThat(count(samples, numbers.toArray(String[]::new))).isBetween(20L, 55L);
        for (Sample sample : samples) {
            numbers.stream()
                    .filter(sample.row().prompt()::endsWith)
                    .forEach(number -> assertThat(Statistics.dots(target(sample)))
                            .as(sample.row().prompt())
                            .isEqualTo(1 + numbers.indexOf(number)));
        }
    }

    @Test
    void captionsOfVariedImagesAreKnownWithoutThem() {
        assertThat(varied().subList(0, 60))
                .extracting(sample -> sample.row().prompt())
                .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 60)
                        .mapToObj(index -> VariedSamples.caption(new Draws(31, index)))
                        .toList());
    }

    /// A word that the tokenizer does not have takes a token for each byte, and a caption may then be too long.
    @Test
    void captionsAreMadeOfTheVocabularysWords() {
        for (Sample sample : varied()) {
            assertThat(WorldTokenizer.Vocabulary.words())
                    .containsAll(Pattern.compile("[ ,]+")
                            .splitAsStream(sample.row().prompt())
                            .toList());
        }
    }

    private static long count(List<Sample> samples, String... ends) {
        return samples.stream()
                .filter(sample -> Arrays.stream(ends).anyMatch(sample.row().prompt()::endsWith))
                .count();
    }

    private static double meanShare(List<Sample> samples, String end, int channel) {
        return mean(samples, end, image -> share(image, channel));
    }

    private static double meanEnergy(List<Sample> samples, String end) {
        return mean(samples, end, Statistics::gradientEnergy);
    }

    private static double mean(List<Sample> samples, String end, ToDoubleFunction<RgbImage> value) {
        return samples.stream()
                .filter(sample -> sample.row().prompt().endsWith(end))
                .mapToDouble(sample -> value.applyAsDouble(target(sample)))
                .average()
                .orElseThrow();
    }

    @Test
    void sharpnessGoesWithGradients() {
        List<Sample> samples = samples(DatasetWriter.Kind.SHARPNESS, 300);
        double[] scales = all(
                samples,
                sample -> inputs(Sample.TemplateInputs.Scale.class, sample).scale());
        double[] energies = all(samples, sample -> Statistics.gradientEnergy(target(sample)));

        assertThat(Statistics.spearman(scales, energies)).isGreaterThan(0.4);
    }

    @Test
    void depthHasTheShapeOfTheImage() {
        for (Sample sample : samples(DatasetWriter.Kind.CONTROL, 50)) {
            Sample.TemplateInputs.ImageAndPrompt given = inputs(Sample.TemplateInputs.ImageAndPrompt.class, sample);
            assertThat(given.prompt()).isEqualTo(sample.row().prompt());
            assertThat(Statistics.overlap(Judge.coverage(image(sample, given.image())), Judge.coverage(target(sample))))
                    .isGreaterThan(0.85);
        }
    }

    @Test
    void anEditDoesWhatItsWordsSay() {
        for (Sample sample : samples(DatasetWriter.Kind.EDIT, 60)) {
            String source =
                    inputs(Sample.TemplateInputs.ImageAndPrompt.class, sample).image();
            assertThat(sample.row().editImage()).isEqualTo(source);
            Judge.Verdict before = Judge.look(image(sample, source));
            Judge.Verdict after = Judge.look(target(sample));
            Judge.Verdict.Shape old = Objects.requireNonNull(before.shape());
            Judge.Verdict.Shape made = Objects.requireNonNull(after.shape());
            assertThat(made.figure()).isEqualTo(old.figure());
            boolean background = sample.row().prompt().startsWith("make the background ");
            assertThat(sample.row().prompt())
                    .endsWith(
                            background
                                    ? after.background().word()
                                    : made.colour().word());
            assertThat(made.colour() == old.colour()).isEqualTo(background);
            assertThat(after.background() == before.background()).isEqualTo(!background);
        }
    }

    @Test
    void theUpscalersInputLacksDetail() {
        for (Sample sample : samples(DatasetWriter.Kind.UPSCALE, 30)) {
            RgbImage source = image(
                    sample,
                    inputs(Sample.TemplateInputs.ImageAndPrompt.class, sample).image());
            assertThat(Statistics.gradientEnergy(source)).isLessThan(0.7 * Statistics.gradientEnergy(target(sample)));
            assertThat(Statistics.psnr(source, target(sample))).isBetween(18.0, 45.0);
        }
    }

    @Test
    void inpaintingLeavesWhatIsOutsideOfTheMask() {
        for (Sample sample : samples(DatasetWriter.Kind.INPAINT, 60)) {
            Sample.TemplateInputs.Inpaint given = inputs(Sample.TemplateInputs.Inpaint.class, sample);
            RgbImage source = image(sample, given.image());
            RgbImage mask = image(sample, given.mask());
            assertThat(given.forceInpaint()).isTrue();
            assertThat(Statistics.differenceOutside(mask, source, target(sample)))
                    .isZero();
            assertThat(source).isNotEqualTo(target(sample));
            double share = Statistics.meanBrightness(mask);
            assertThat(share).as("share of the mask").isBetween(1 / 16.0, 0.6);
            Judge.Verdict.Shape before =
                    Objects.requireNonNull(Judge.look(source).shape());
            Judge.Verdict.Shape after =
                    Objects.requireNonNull(Judge.look(target(sample)).shape());
            assertThat(after.colour()).isNotEqualTo(before.colour());
        }
    }

    @Test
    void everyStyleComesAndGoesWithItsScale() {
        List<Sample> samples = samples(DatasetWriter.Kind.STYLE, 600);
        List<Style> bank = List.of(Style.VIVID, Style.VIGNETTE, Style.DUSK);
        for (int id = 0; id < bank.size(); id++) {
            List<Integer> ids = List.of(id);
            Style style = bank.get(id);
            List<Sample> ofStyle = samples.stream()
                    .filter(sample -> inputs(Sample.TemplateInputs.LoraBank.class, sample)
                            .ids()
                            .equals(ids))
                    .toList();
            assertThat(ofStyle).hasSizeGreaterThan(150);
            assertThat(Statistics.spearman(
                            all(
                                    ofStyle,
                                    sample -> inputs(Sample.TemplateInputs.LoraBank.class, sample)
                                            .scales()
                                            .getFirst()),
                            all(ofStyle, sample -> Statistics.styleScore(style, target(sample)))))
                    .as("%s", style)
                    .isGreaterThan(0.25);
        }
    }

    @Test
    void aReferenceHasTheLightOfTheImage() {
        List<Sample> samples = samples(DatasetWriter.Kind.REFERENCE, 400).stream()
                .filter(sample -> sample.row().prompt().contains("gray background"))
                .toList();
        assertThat(samples).hasSizeGreaterThan(60);
        for (int channel = 0; channel < RgbImage.CHANNELS; channel += 2) {
            int one = channel;
            assertThat(Statistics.pearson(
                            all(samples, sample -> share(target(sample), one)),
                            all(
                                    samples,
                                    sample -> share(
                                            image(
                                                    sample,
                                                    inputs(Sample.TemplateInputs.Image.class, sample)
                                                            .image()),
                                            one))))
                    .isGreaterThan(0.8);
        }
    }

    private static double share(RgbImage image, int channel) {
        return Statistics.channelMean(image, channel) / Statistics.meanBrightness(image);
    }

    @Test
    void dotsAreAsManyAsTold() {
        for (Sample sample : samples(DatasetWriter.Kind.ORDINAL, 100)) {
            assertThat(Statistics.dots(target(sample)))
                    .isEqualTo(
                            inputs(Sample.TemplateInputs.Ordinal.class, sample).n());
        }
    }

    @Test
    void theConstantStyleIsAFrame() {
        for (Sample sample : samples(DatasetWriter.Kind.CONSTANT, 50)) {
            assertThat(inputs(Sample.TemplateInputs.None.class, sample)).isNotNull();
            assertThat(Statistics.styleScore(Style.FRAME, target(sample))).isGreaterThan(0.15);
        }
        for (Sample sample : samples(DatasetWriter.Kind.PLAIN, 50)) {
            assertThat(sample.row().templateInputs()).isNull();
            assertThat(Statistics.styleScore(Style.FRAME, target(sample))).isLessThan(0.1);
        }
    }
}
