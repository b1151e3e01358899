package io.stencil.cli;

import io.stencil.cli.models.BaseModelOptions;
import io.stencil.cli.models.BaseModelOptions.BaseModel;
import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.HubOptions;
import io.stencil.cli.models.TemplateOptions;
import io.stencil.cli.models.WeightOptions;
import io.stencil.cli.terminal.StopOnSignal;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.hub.ModelSource;
import io.stencil.hub.ModelSource.Located;
import io.stencil.json.TextFile;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.server.ServerSettings;
import io.stencil.server.StencilServer;
import io.stencil.service.ImageService;
import io.stencil.service.ServiceSettings;
import io.stencil.service.TemplateInfo;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `stencil serve`: serves images over HTTP until it is stopped.
@Command(
        name = "serve",
        description = {
            "Serve images over HTTP: OpenAI's Images API, jobs with events, Templates and LoRAs.",
            "Without options it serves the tiny base model and the example Templates."
        })
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class ServeCommand implements Callable<Integer> {

    private static final String KEY_VARIABLE = "STENCIL_API_KEY";
    private static final String TINY_MODEL = "models/tiny-klein";
    private static final int TINY_SIDE = 64;
    private static final String EXAMPLES = "examples";
    private static final Pattern SIZE = Pattern.compile("([1-9][0-9]{0,4})x([1-9][0-9]{0,4})");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");

    @Option(names = "--host", paramLabel = "ADDRESS", description = "Address to bind. Default: ${DEFAULT-VALUE}.")
    private String host = ServerSettings.DEFAULT.host();

    @Option(names = "--port", paramLabel = "N", description = "0 for any free port. Default: ${DEFAULT-VALUE}.")
    private int port = ServerSettings.DEFAULT.port();

    @Option(
            names = "--api_key",
            paramLabel = "KEY",
            description = "Key that clients send as 'Authorization: Bearer KEY'; required unless only this machine "
                    + "reaches --host. Other users see it in the list of processes: prefer $" + KEY_VARIABLE
                    + " or --api_key_file.")
    private @Nullable String apiKey;

    @Option(names = "--api_key_file", paramLabel = "FILE", description = "Holds the API key.")
    private @Nullable Path apiKeyFile;

    @Option(
            names = "--allowed_host",
            paramLabel = "NAME",
            description = "Name in the Host header beside those of this machine, such as that of a reverse proxy; "
                    + "may be repeated. Default: with an API key every name.")
    private List<String> allowedHosts = List.of();

    @Option(
            names = "--allowed_origin",
            paramLabel = "ORIGIN",
            description = "Origin of web pages that may call the server, such as https://studio.example.com; may be "
                    + "repeated. Default: none.")
    private List<String> allowedOrigins = List.of();

    @Option(
            names = "--public_url",
            paramLabel = "URL",
            description = "Address of this server for clients, with which addresses of jobs and images begin; with "
                    + "several replicas each has its own.")
    private @Nullable String publicUrl;

    @Option(
            names = "--access_log",
            description = "Print a line for each request: client, time, method, path, status, bytes, milliseconds; "
                    + "prompts, images and keys are never in it.")
    private boolean accessLog;

    @Mixin
    private BaseModelOptions base;

    @Option(
            names = "--devices",
            paramLabel = "LIST",
            split = ",",
            description = "Devices with a worker and a copy of the models each, such as cuda:0,cuda:1. Default: "
                    + "that of --device.")
    private List<String> devices = List.of();

    @Mixin
    private WeightOptions weights;

    @Mixin
    private GenerateCommand.TilingOptions tiling;

    @Option(
            names = "--model_name",
            paramLabel = "NAME",
            description = "Name of the base model for clients. Default: that of its folder.")
    private @Nullable String modelName;

    @Option(
            names = "--template",
            paramLabel = "NAME=DIR|ID:",
            description = "Template that requests may name, from its folder or from a hub; may be repeated.")
    private List<String> templates = List.of();

    @Option(names = "--lazy_loading", description = "Keep one Template in memory at a time, while it works.")
    private boolean lazyLoading;

    @Option(
            names = "--lora",
            paramLabel = "NAME=FILE|DIR|ID:FILE",
            description = "LoRA that requests may name; may be repeated.")
    private List<String> loras = List.of();

    @Option(
            names = "--default_size",
            paramLabel = "WIDTHxHEIGHT",
            description = "Of images whose request has no size. Default: 1024x1024.")
    private @Nullable String defaultSize;

    @Option(
            names = "--queue_size",
            paramLabel = "N",
            description = "Jobs that may wait; more are refused with status 429. Default: ${DEFAULT-VALUE}.")
    private int queueSize = ServiceSettings.Limits.DEFAULT.queueSize();

    @Option(
            names = "--max_pixels",
            paramLabel = "N",
            description = "Largest number of pixels of an image. Default: ${DEFAULT-VALUE}.")
    private long maxPixels = ServiceSettings.Limits.DEFAULT.pixels();

    @Option(
            names = "--max_images",
            paramLabel = "N",
            description = "Largest number of images of a request. Default: ${DEFAULT-VALUE}.")
    private int maxImages = ServiceSettings.Limits.DEFAULT.images();

    @Option(
            names = "--max_steps",
            paramLabel = "N",
            description = "Largest number of denoising steps of an image. Default: ${DEFAULT-VALUE}.")
    private int maxSteps = ServiceSettings.Limits.DEFAULT.steps();

    @Option(
            names = "--kept_jobs",
            paramLabel = "N",
            description = "Ended jobs whose images are kept for clients. Default: ${DEFAULT-VALUE}.")
    private int keptJobs = ServiceSettings.Limits.DEFAULT.keptJobs();

    @Option(
            names = "--stop_timeout",
            paramLabel = "SECONDS",
            description = "Time for accepted jobs after the signal to stop; later they are cancelled. Default: "
                    + "${DEFAULT-VALUE}.")
    private int stopTimeout = 30;

    @Mixin
    private HubOptions hub;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() throws InterruptedException {
        ServerSettings settings = serverSettings();
        if (stopTimeout < 0) {
            throw new InvalidRequestException("stop_timeout", "must be at least 0, found " + stopTimeout);
        }
        ServiceSettings models = serviceSettings();
        PrintWriter err = command.commandLine().getErr();
        CountDownLatch stop = new CountDownLatch(1);
        ImageService service = ImageService.open(models);
        try (StopOnSignal _ = new StopOnSignal(stop::countDown, () -> "running jobs are lost", err);
                StencilServer server = start(service, settings, err)) {
            announce(server, service, settings);
            stop.await();
            err.println("stopping: finishing %s jobs, for at most %s seconds; stop again to end at once"
                    .formatted(service.status().queued() + service.status().running(), stopTimeout));
            err.flush();
            server.stop(Duration.ofSeconds(stopTimeout));
        }
        return 0;
    }

    private static StencilServer start(ImageService service, ServerSettings settings, PrintWriter err) {
        try {
            return StencilServer.start(service, settings, fault -> {
                err.println("stencil: " + fault);
                err.flush();
            });
        } catch (RuntimeException e) {
            service.close();
            throw e;
        }
    }

    private void announce(StencilServer server, ImageService service, ServerSettings settings) {
        PrintWriter out = command.commandLine().getOut();
        List<String> names =
                service.templates().stream().map(TemplateInfo::name).toList();
        String steering = !base.isNamed() && names.contains("brightness")
                ? ", \"stencil\": {\"templates\": [{\"name\": \"brightness\", \"inputs\": {\"scale\": 0.8}}]}"
                : "";
        out.println("listening on %s: %s, Templates: %s"
                .formatted(server.uri(), service.model().name(), NameList.of(names)));
        out.println(
                "curl -fsS %s/v1/images/generations -H 'Content-Type: application/json' -H 'Accept: image/png'%s -d '{\"prompt\": \"a large red circle, gray background\"%s}' -o image.png"
                        .formatted(
                                server.uri(),
                                settings.apiKey() == null ? "" : " -H \"Authorization: Bearer $" + KEY_VARIABLE + "\"",
                                steering));
        out.flush();
    }

    private ServerSettings serverSettings() {
        return new ServerSettings(
                host,
                port,
                key(),
                allowedHosts,
                allowedOrigins,
                url(),
                accessLog ? this::logAccess : null,
                ServerSettings.Limits.DEFAULT);
    }

    private synchronized void logAccess(String line) {
        PrintWriter out = command.commandLine().getOut();
        out.println(line);
        out.flush();
    }

    private @Nullable String key() {
        if (apiKey != null && apiKeyFile != null) {
            throw new InvalidRequestException("api_key_file", "is given beside --api_key; give one of the two");
        }
        if (apiKeyFile != null) {
            String key = TextFile.read(apiKeyFile).strip();
            if (key.isEmpty()) {
                throw new InvalidFileException(apiKeyFile, "is empty; it must hold the API key");
            }
            return key;
        }
        String variable = System.getenv(KEY_VARIABLE);
        return apiKey == null && variable != null && !variable.isEmpty() ? variable : apiKey;
    }

    private @Nullable URI url() {
        if (publicUrl == null) {
            return null;
        }
        try {
            URI url = new URI(publicUrl);
            if (url.getHost() != null && List.of("http", "https").contains(url.getScheme())) {
                return url;
            }
        } catch (URISyntaxException _) { // refused below
        }
        throw new InvalidRequestException(
                "public_url",
                "expected an address such as https://images.example.com, found '%s'".formatted(publicUrl));
    }

    private ServiceSettings serviceSettings() {
        Matcher size = SIZE.matcher(defaultSize == null ? "1024x1024" : defaultSize);
        if (!size.matches()) {
            throw new InvalidRequestException(
                    "default_size", "expected WIDTHxHEIGHT, such as 1024x768, found '%s'".formatted(defaultSize));
        }
        Map<String, String> namedTemplates = named("template", templates);
        Map<String, ModelSource> namedLoras = new LinkedHashMap<>();
        named("lora", loras).forEach((name, text) -> namedLoras.put(name, ModelSource.parse("lora", text)));
        LoadOptions load = tiling.apply(base.load());
        List<Device> places = devices.stream().map(Device::parse).toList();
        namedTemplates.values().forEach(TemplateOptions::checkLocal);
        namedLoras.values().forEach(source -> source.local().ifPresent(Located::fileOrFolder));
        if (base.isNamed()) {
            LoadOptions _ = weights.apply(load, base.checkLocal());
        } else {
            weights.requireUnused();
        }
        try (HubModels remote = hub.open()) {
            ServiceSettings.Builder builder = base.isNamed() ? named(load, remote, places) : tiny(load, remote, places);
            if (defaultSize != null || base.isNamed()) {
                builder.defaultSize(Integer.parseInt(size.group(1)), Integer.parseInt(size.group(2)));
            }
            if (modelName != null) {
                builder.modelName(modelName);
            }
            namedTemplates.forEach((name, text) -> builder.template(name, TemplateOptions.resolve(text, remote)));
            namedLoras.forEach(
                    (name, source) -> builder.lora(name, source.resolve(remote).fileOrFolder()));
            return builder.loading(lazyLoading ? TemplatePipeline.Loading.LAZY : TemplatePipeline.Loading.EAGER)
                    .queueSize(queueSize)
                    .maxPixels(maxPixels)
                    .maxImages(maxImages)
                    .maxSteps(maxSteps)
                    .keptJobs(keptJobs)
                    .build();
        }
    }

    private ServiceSettings.Builder named(LoadOptions load, HubModels remote, List<Device> places) {
        BaseModel model = base.resolve(remote);
        return builder(model.files(), weights.apply(load, model), places);
    }

    /// The tiny base model of the checkout, in float32, with the example Templates that are trained.
    private ServiceSettings.Builder tiny(LoadOptions load, HubModels remote, List<Device> places) {
        boolean hasDtype = command.commandLine().getParseResult().hasMatchedOption("--dtype");
        LoadOptions usual = new LoadOptions(DType.FLOAT32, load.device()).withTiling(load.tiling());
        ServiceSettings.Builder builder = builder(
                        ModelFiles.in(StencilCommand.checkout().resolve(TINY_MODEL)), hasDtype ? load : usual, places)
                .modelName("tiny-klein")
                .defaultSize(TINY_SIDE, TINY_SIDE);
        if (templates.isEmpty()) {
            for (Path folder : examples()) {
                builder.template(folder.getFileName().toString(), TemplateOptions.resolve(folder.toString(), remote));
            }
        }
        return builder;
    }

    private static List<Path> examples() {
        Path examples = StencilCommand.checkout().resolve(EXAMPLES);
        try (Stream<Path> folders = Files.list(examples)) {
            return folders.filter(folder -> Files.isRegularFile(folder.resolve("Model.java"))
                            && Files.isRegularFile(folder.resolve("model.safetensors")))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(examples), "cannot be listed: " + e, e);
        }
    }

    private static ServiceSettings.Builder builder(ModelFiles files, LoadOptions load, List<Device> places) {
        ServiceSettings.Builder builder =
                ServiceSettings.builder(files, places.isEmpty() ? load : load.on(places.getFirst()));
        places.stream().skip(1).forEach(builder::worker);
        return builder;
    }

    /// Parses `NAME=VALUE`s of an option.
    private static Map<String, String> named(String option, List<String> texts) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String text : texts) {
            int end = text.indexOf('=');
            if (end < 1
                    || end == text.length() - 1
                    || !NAME.matcher(text.substring(0, end)).matches()) {
                throw new InvalidRequestException(
                        option,
                        "expected NAME=PLACE with a name of letters, digits, '.', '_' and '-', found '%s'"
                                .formatted(text));
            }
            if (values.put(text.substring(0, end), text.substring(end + 1)) != null) {
                throw new InvalidRequestException(option, "names '%s' twice".formatted(text.substring(0, end)));
            }
        }
        return values;
    }
}
