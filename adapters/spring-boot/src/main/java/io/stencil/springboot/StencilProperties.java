package io.stencil.springboot;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.service.ServiceSettings;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/// Properties of the service of images, `stencil.*`. What is null has the default of [ServiceSettings].
///
/// @param model folder of the base model; without it there is no service
/// @param modelName name of the base model in answers and metrics
/// @param dtype of weights: `bfloat16`, `float32` or `float16`
/// @param devices one worker for each: `cpu`, `cuda:0`
/// @param fp8Models models that are kept in float8: `transformer`, `text_encoder`, `vae`
/// @param offloadModels models whose weights stay in their files
/// @param templates folders of Templates by name
/// @param loras files of LoRAs by name
/// @param size of images whose request has none
/// @param limits of requests, of the queue and of memory
/// @param timeout time that a call of an image model waits for its images, in the queue too
/// @param shutdownTimeout time that accepted jobs have to end when the application stops
@ConfigurationProperties("stencil")
public record StencilProperties(
        @Nullable Path model,
        @Nullable String modelName,
        @DefaultValue("bfloat16") String dtype,
        @DefaultValue("cpu") List<String> devices,
        @DefaultValue List<String> fp8Models,
        @DefaultValue List<String> offloadModels,
        @DefaultValue Map<String, Path> templates,
        @DefaultValue Map<String, Path> loras,
        @DefaultValue Size size,
        @DefaultValue Limits limits,
        @DefaultValue("10m") Duration timeout,
        @DefaultValue("30s") Duration shutdownTimeout) {

    /// Size of images whose request has none.
    public record Size(
            @DefaultValue("1024") int width,
            @DefaultValue("1024") int height) {}

    /// Bounds; [ServiceSettings.Limits] says what each means.
    public record Limits(
            @Nullable Integer queueSize,
            @Nullable Long maxPixels,
            @Nullable Integer maxImages,
            @Nullable Integer maxEditImages,
            @Nullable Integer maxSteps,
            @Nullable DataSize cacheSize,
            @Nullable Integer keptJobs,
            @Nullable DataSize keptSize,
            @Nullable Duration keptTime) {}

    /// Builds the settings of the service.
    ///
    /// @throws io.stencil.error.StencilException naming the property that cannot be used
    ServiceSettings.Builder settings() {
        if (model == null) {
            throw new InvalidRequestException("stencil.model", "is missing; give the folder of the base model");
        }
        if (devices.isEmpty()) {
            throw new InvalidRequestException("stencil.devices", "is empty; give cpu, or cuda:0");
        }
        List<Device> workers = devices.stream().map(Device::parse).toList();
        LoadOptions load = new LoadOptions(storedDType(), workers.getFirst())
                .withFloat8(roles("stencil.fp8-models", fp8Models))
                .withOffload(roles("stencil.offload-models", offloadModels));
        ServiceSettings.Builder settings =
                ServiceSettings.builder(ModelFiles.in(model), load).defaultSize(size.width(), size.height());
        workers.stream().skip(1).forEach(settings::worker);
        if (modelName != null) {
            settings.modelName(modelName);
        }
        templates.forEach((name, folder) -> settings.template(name, new TemplateFolder(folder)));
        loras.forEach(settings::lora);
        limit(settings);
        return settings;
    }

    private void limit(ServiceSettings.Builder settings) {
        set(limits.queueSize(), settings::queueSize);
        set(limits.maxPixels(), settings::maxPixels);
        set(limits.maxImages(), settings::maxImages);
        set(limits.maxEditImages(), settings::maxEditImages);
        set(limits.maxSteps(), settings::maxSteps);
        set(limits.cacheSize(), size -> settings.cacheBytes(size.toBytes()));
        set(limits.keptJobs(), settings::keptJobs);
        set(limits.keptSize(), size -> settings.keptBytes(size.toBytes()));
        set(limits.keptTime(), settings::keptTime);
    }

    private static <T> void set(@Nullable T value, Consumer<T> setter) {
        if (value != null) {
            setter.accept(value);
        }
    }

    private DType storedDType() {
        List<DType> dtypes = List.of(DType.BFLOAT16, DType.FLOAT32, DType.FLOAT16);
        return dtypes.stream()
                .filter(candidate -> candidate.text().equals(dtype))
                .findFirst()
                .orElseThrow(() -> new InvalidRequestException(
                        "stencil.dtype",
                        "is '%s'; expected %s"
                                .formatted(
                                        dtype,
                                        NameList.of(
                                                dtypes.stream().map(DType::text).toList()))));
    }

    private static Set<ModelRole> roles(String property, List<String> names) {
        Set<ModelRole> roles = EnumSet.noneOf(ModelRole.class);
        for (String name : names) {
            roles.add(ModelRole.named(name)
                    .orElseThrow(() -> new InvalidRequestException(
                            property,
                            "names '%s'; expected %s"
                                    .formatted(
                                            name,
                                            NameList.of(Stream.of(ModelRole.values())
                                                    .map(ModelRole::label)
                                                    .toList())))));
        }
        return roles;
    }
}
