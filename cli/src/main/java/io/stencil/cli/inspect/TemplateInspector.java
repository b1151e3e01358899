package io.stencil.cli.inspect;

import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TrustedCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Describes a Template folder: input fields and dataset row fields of its code, and its weights.
final class TemplateInspector {

    private TemplateInspector() {}

    /// True for a folder with a Template's code.
    static boolean isTemplate(Path folder) {
        return Files.isRegularFile(folder.resolve("Model.java")) || Files.isRegularFile(folder.resolve("model.jar"));
    }

    /// @throws io.stencil.error.TemplateException when the code does not keep the contract
    static List<Finding> inspect(Path folder, TrustedCode trusted) {
        TemplateFolder template = new TemplateFolder(folder, trusted);
        List<Finding.Fact> facts = new ArrayList<>();
        boolean source = Files.exists(folder.resolve("Model.java"));
        facts.add(new Finding.Fact("code", source ? "Model.java" : "model.jar"));
        facts.add(new Finding.Fact("inputs", template.describeInputs().orElseThrow()));
        template.describeRows().ifPresent(rows -> facts.add(new Finding.Fact("dataset rows", rows)));
        List<Finding> findings = new ArrayList<>();
        findings.add(new Finding(folder, "Template", facts, List.of()));
        FolderContent.weights(folder).forEach(file -> findings.add(WeightsInspector.inspect(file)));
        return findings;
    }
}
