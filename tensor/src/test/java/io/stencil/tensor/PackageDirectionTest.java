package io.stencil.tensor;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "io.stencil", importOptions = ImportOption.DoNotIncludeTests.class)
class PackageDirectionTest {

    @ArchTest
    static final ArchRule TENSORS_KNOW_NO_LAYERS_AND_NO_TAPE = noClasses()
            .that()
            .resideInAPackage("io.stencil.tensor")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.stencil.nn", "io.stencil.autograd");

    @ArchTest
    static final ArchRule LAYERS_DO_NOT_KNOW_THE_TAPE = noClasses()
            .that()
            .resideInAPackage("io.stencil.nn")
            .should()
            .dependOnClassesThat()
            .haveSimpleName("GradientTape");

    @ArchTest
    static final ArchRule THE_TAPE_DOES_NOT_KNOW_LAYERS = noClasses()
            .that()
            .resideInAPackage("io.stencil.autograd")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.stencil.nn");

    @ArchTest
    static final ArchRule FILES_KNOW_NO_ENGINE = noClasses()
            .that()
            .resideInAnyPackage("io.stencil.files", "io.stencil.safetensors", "io.stencil.json", "io.stencil.error")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.stencil.tensor", "io.stencil.nn", "io.stencil.autograd", "org.bytedeco..");

    /// Addresses and their scopes; `javacpp.chrono`, durations that c10d takes, has none.
    @ArchTest
    static final ArchRule LAYERS_TOUCH_NO_POINTERS = noClasses()
            .that()
            .resideOutsideOfPackage("io.stencil.tensor")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.bytedeco.javacpp", "org.bytedeco.javacpp.indexer..");
}
