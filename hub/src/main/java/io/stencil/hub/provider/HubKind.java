package io.stencil.hub.provider;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import java.net.URI;
import java.util.Arrays;
import java.util.Locale;

/// Supported hubs.
public enum HubKind {
    MODELSCOPE("modelscope", "https://www.modelscope.cn", "master", "MODELSCOPE_API_TOKEN"),
    /// ModelScope's international site: the same protocol, other repositories.
    MODELSCOPE_INTERNATIONAL("modelscope-ai", "https://www.modelscope.ai", "master", "MODELSCOPE_API_TOKEN"),
    HUGGING_FACE("huggingface", "https://huggingface.co", "main", "HF_TOKEN");

    private final String option;
    private final URI site;
    private final String defaultRevision;
    private final String tokenVariable;

    HubKind(String option, String site, String defaultRevision, String tokenVariable) {
        this.option = option;
        this.site = URI.create(site);
        this.defaultRevision = defaultRevision;
        this.tokenVariable = tokenVariable;
    }

    /// Returns its name on the command line.
    public String option() {
        return option;
    }

    public URI site() {
        return site;
    }

    public String defaultRevision() {
        return defaultRevision;
    }

    public String tokenVariable() {
        return tokenVariable;
    }

    /// @param source option or variable that names the hub, for messages
    /// @throws InvalidRequestException for an unknown name
    public static HubKind parse(String source, String name) {
        String wanted = name.strip().toLowerCase(Locale.ROOT);
        for (HubKind kind : values()) {
            if (kind.option.equals(wanted)) {
                return kind;
            }
        }
        String known = NameList.of(Arrays.stream(values()).map(HubKind::option).toList());
        throw new InvalidRequestException(source, "'%s' is not a known hub; expected one of %s".formatted(name, known));
    }
}
