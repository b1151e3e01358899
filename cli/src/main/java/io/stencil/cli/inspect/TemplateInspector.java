package io.stencil.cli.inspect;

import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TrustedCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Looks at a Template folder: what its code takes, and its weights.
final class TemplateInspector {

    private TemplateInspector() {}

    /// True for a folder with a Template's code.
    static boolean isTemplate(Path folder) {
        return Files.isRegularFile(folder.resolve("Model.java")) || Files.isRegularFile(folder.resolve("model.jar"));
    }

    /// @throws io.stencil.error.TemplateException when the code does not keep the contract
    static List<Finding> inspect(Path folder, TrustedCode trusted) {
        String inputs = new TemplateFolder(folder, trusted).describeInputs().orElseThrow();
        List<Finding> findings = new ArrayList<>();
        boolean source = Files.exists(folder.resolve("Model.java"));
        findings.add(Finding.of(
                folder,
                "Template",
                new Finding.Fact("code", source ? "Model.java" : "model.jar"),
                new Finding.Fact("inputs", inputs)));
        FolderContent.weights(folder).forEach(file -> findings.add(WeightsInspector.inspect(file)));
        return findings;
    }
}
