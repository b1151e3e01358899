package io.stencil.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// What may see what: cli, lab, train, template, pipeline, flux2, tensor, files, and never back; hub stands aside on
/// files, and service, which only the command line and servers see, on template; server sees no more than it needs of
/// service, pipeline and files. Within the lab the world sees files alone, evaluations see template and world.
class DependencyTest {

    private static final JavaClasses STENCIL = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("-tests.jar"))
            .importPackages("io.stencil");

    private static final String[] TENSOR = {
        "io.stencil.tensor..", "io.stencil.nn..", "io.stencil.autograd..", "io.stencil.distributed.."
    };
    private static final String[] FILES = {
        "io.stencil.error..",
        "io.stencil.files..",
        "io.stencil.json..",
        "io.stencil.safetensors..",
        "io.stencil.image.."
    };
    private static final String[] ABOVE_TENSOR = {
        "io.stencil.cli..",
        "io.stencil.lab..",
        "io.stencil.train..",
        "io.stencil.server..",
        "io.stencil.service..",
        "io.stencil.template..",
        "io.stencil.pipeline..",
        "io.stencil.flux2.."
    };
    private static final Set<String> OPEN_TO_ALL = Set.of("org.bytedeco.pytorch.Tensor", "org.bytedeco.pytorch.Scalar");

    @Test
    void theClassesOfAllModulesAreLookedAt() {
        for (String name : List.of(
                "cli",
                "lab.bench",
                "lab.demo",
                "lab.evaluate",
                "lab.world",
                "train",
                "server",
                "service",
                "template",
                "pipeline",
                "flux2",
                "tensor",
                "nn",
                "safetensors",
                "hub")) {
            assertThat(STENCIL.stream().map(JavaClass::getPackageName))
                    .as("packages")
                    .anyMatch(packageName -> packageName.startsWith("io.stencil." + name));
        }
    }

    @Test
    void dependenciesGoDownOnly() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("cli")
                .definedBy("io.stencil.cli..")
                .layer("lab")
                .definedBy("io.stencil.lab.bench..", "io.stencil.lab.demo..")
                .layer("evaluate")
                .definedBy("io.stencil.lab.evaluate..")
                .layer("train")
                .definedBy("io.stencil.train..")
                .layer("server")
                .definedBy("io.stencil.server..")
                .layer("service")
                .definedBy("io.stencil.service..")
                .layer("template")
                .definedBy("io.stencil.template..")
                .layer("pipeline")
                .definedBy("io.stencil.pipeline..")
                .layer("flux2")
                .definedBy("io.stencil.flux2..")
                .layer("tensor")
                .definedBy(TENSOR)
                .layer("hub")
                .definedBy("io.stencil.hub..")
                .layer("world")
                .definedBy("io.stencil.lab.world..")
                .layer("files")
                .definedBy(FILES)
                .whereLayer("cli")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("lab")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("lab")
                .mayOnlyAccessLayers("evaluate", "world", "train", "template", "pipeline", "flux2", "tensor", "files")
                .whereLayer("evaluate")
                .mayOnlyBeAccessedByLayers("cli", "lab")
                .whereLayer("evaluate")
                .mayOnlyAccessLayers("template", "pipeline", "world", "files")
                .whereLayer("train")
                .mayOnlyBeAccessedByLayers("cli", "lab")
                .whereLayer("server")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("server")
                .mayOnlyAccessLayers("service", "pipeline", "files")
                .whereLayer("service")
                .mayOnlyBeAccessedByLayers("cli", "server")
                .whereLayer("service")
                .mayOnlyAccessLayers("template", "pipeline", "tensor", "files")
                .whereLayer("template")
                .mayOnlyBeAccessedByLayers("cli", "lab", "evaluate", "train", "service")
                .whereLayer("pipeline")
                .mayOnlyBeAccessedByLayers("cli", "lab", "evaluate", "train", "server", "service", "template")
                .whereLayer("flux2")
                .mayOnlyBeAccessedByLayers("cli", "lab", "train", "template", "pipeline")
                .whereLayer("tensor")
                .mayOnlyBeAccessedByLayers("cli", "lab", "train", "service", "template", "pipeline", "flux2")
                .whereLayer("hub")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("hub")
                .mayOnlyAccessLayers("files")
                .whereLayer("world")
                .mayOnlyBeAccessedByLayers("cli", "lab", "evaluate")
                .whereLayer("world")
                .mayOnlyAccessLayers("files")
                .check(STENCIL);
    }

    @Test
    void packagesMakeNoCycles() {
        slices().matching("io.stencil.(**)").should().beFreeOfCycles().check(STENCIL);
    }

    @Test
    void aboveTheEngineOnlyTensorAndScalarOfLibtorchAreSeen() {
        noClasses()
                .that()
                .resideInAnyPackage(ABOVE_TENSOR)
                .should()
                .dependOnClassesThat(new DescribedPredicate<>("are native, other than Tensor and Scalar") {
                    @Override
                    public boolean test(JavaClass type) {
                        return type.getPackageName().startsWith("org.bytedeco")
                                && !OPEN_TO_ALL.contains(type.getFullName());
                    }
                })
                .check(STENCIL);
    }

    @Test
    void filesAndHubNeverSeeLibtorch() {
        noClasses()
                .that()
                .resideInAnyPackage(FILES)
                .or()
                .resideInAPackage("io.stencil.hub..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.bytedeco..")
                .check(STENCIL);
    }

    @Test
    void onlyTheServerAndTheAdaptersSeeTheirLibraries() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.stencil.server..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.eclipse.jetty..", "io.prometheus..")
                .check(STENCIL);
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "io.stencil.server..",
                        "io.stencil.langchain4j..",
                        "io.stencil.springai..",
                        "io.stencil.springboot..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.micrometer..", "org.springframework..", "dev.langchain4j..")
                .check(STENCIL);
    }

    @Test
    void onlyTheCommandLineEndsTheProcess() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.stencil.cli..")
                .should()
                .callMethod(System.class, "exit", int.class)
                .check(STENCIL);
    }

    /// What a caller does wrong is a [StencilException]; an exception of Java's own is left to the faults of Stencil.
    @Test
    void misuseIsNoExceptionOfJavasOwn() {
        for (Class<? extends RuntimeException> type : List.of(
                IllegalArgumentException.class, IndexOutOfBoundsException.class, UnsupportedOperationException.class)) {
            noClasses()
                    .that()
                    .resideOutsideOfPackage("io.stencil.cli..")
                    .should()
                    .callConstructor(type, String.class)
                    .orShould()
                    .callConstructor(type)
                    .check(STENCIL);
        }
    }
}
