package io.stencil.springboot;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.json.Json;
import io.stencil.service.ServiceSettings;
import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/// What an IDE completes is what the properties are.
class ConfigurationMetadataTest {

    private static JsonNode metadata() throws Exception {
        try (InputStream stream =
                StencilProperties.class.getResourceAsStream("/META-INF/spring-configuration-metadata.json")) {
            return Json.MAPPER.readTree(stream);
        }
    }

    private static Map<String, JsonNode> described() throws Exception {
        Map<String, JsonNode> properties = new LinkedHashMap<>();
        metadata()
                .path("properties")
                .forEach(property -> properties.put(property.path("name").asText(), property));
        return properties;
    }

    private static String kebab(String name) {
        return name.replaceAll("([A-Z])", "-$1").toLowerCase(java.util.Locale.ROOT);
    }

    /// Types by the name of the property.
    private static void collect(String prefix, Class<?> type, Map<String, String> types) {
        for (RecordComponent component : type.getRecordComponents()) {
            String name = prefix + kebab(component.getName());
            if (component.getType().isRecord()) {
                collect(name + ".", component.getType(), types);
            } else {
                String text = component.getGenericType().getTypeName().replace(" ", "");
                types.put(name, text.equals("int") ? "java.lang.Integer" : text);
            }
        }
    }

    @Test
    void describesEachPropertyWithItsType() throws Exception {
        Map<String, String> expected = new TreeMap<>();
        collect("stencil.", StencilProperties.class, expected);
        Map<String, String> found = new TreeMap<>();
        described().forEach((name, property) -> {
            assertThat(property.path("description").asText()).as(name).endsWith(".");
            if (name.startsWith("stencil.")) {
                found.put(name, property.path("type").asText());
            }
        });
        assertThat(found).isEqualTo(expected);
    }

    @Test
    void statesTheDefaults() throws Exception {
        Map<String, JsonNode> described = described();
        for (RecordComponent component : StencilProperties.class.getRecordComponents()) {
            DefaultValue value = component.getAnnotation(DefaultValue.class);
            JsonNode stated = described
                    .getOrDefault("stencil." + kebab(component.getName()), Json.MAPPER.nullNode())
                    .path("defaultValue");
            if (value != null
                    && value.value().length == 1
                    && !component.getType().isRecord()) {
                assertThat(stated.isArray() ? stated.path(0).asText() : stated.asText())
                        .as(component.getName())
                        .isEqualTo(value.value()[0]);
            }
        }
        ServiceSettings.Limits limits = ServiceSettings.Limits.DEFAULT;
        Map<String, Long> numbers = Map.of(
                "queue-size", (long) limits.queueSize(),
                "max-pixels", limits.pixels(),
                "max-images", (long) limits.images(),
                "max-edit-images", (long) limits.editImages(),
                "max-steps", (long) limits.steps(),
                "kept-jobs", (long) limits.keptJobs());
        numbers.forEach(
                (name, value) -> assertThat(stated(described, name)).as(name).isEqualTo(value.toString()));
        assertThat(DataSize.parse(stated(described, "cache-size")).toBytes()).isEqualTo(limits.cacheBytes());
        assertThat(DataSize.parse(stated(described, "kept-size")).toBytes()).isEqualTo(limits.keptBytes());
        assertThat(org.springframework.boot.convert.DurationStyle.detectAndParse(stated(described, "kept-time")))
                .isEqualTo(limits.keptTime());
    }

    private static String stated(Map<String, JsonNode> described, String limit) {
        return described
                .getOrDefault("stencil.limits." + limit, Json.MAPPER.nullNode())
                .path("defaultValue")
                .asText();
    }
}
