package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.autograd.Checkpointing;
import io.stencil.error.TemplateException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.TemplateInput;
import io.stencil.template.TinyPipeline;
import io.stencil.tensor.Scope;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What authors do wrong with tensors and modules is told with block, part and remedy.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TensorMistakeTest {

    private static final String FREED = " was freed when its Scope was closed; pass it out of the Scope with"
            + " scope.keep(tensor), and compute it in each call instead of keeping it in a field";
    private static final String USED =
            "uses a tensor that is null or was freed when its Scope was closed; pass it out of a"
                    + " Scope with scope.keep(tensor), and compute it in each call instead of keeping it in a field";
    private static final String NULL_POINTER = " (NullPointerException: Pointer address of argument 0 is NULL.)";

    @TempDir
    Path folder;

    private Flux2Pipeline base;

    @BeforeAll
    void loadBase() {
        base = TinyPipeline.transformerOnly();
    }

    @AfterAll
    void closeBase() {
        base.close();
    }

    /// Loads the Template and runs it twice, each time in a scope of its own.
    private void run(ModelSource source) throws IOException {
        ObjectNode fields = JsonNodeFactory.instance.objectNode().put("scale", 1);
        try (LoadedTemplate<?, ?> template = source.in(folder).load(base)) {
            for (int i = 0; i < 2; i++) {
                try (Scope _ = new Scope()) {
                    template.run(new TemplateInput(0, fields, folder), new ForwardContext(base, Checkpointing.OFF));
                }
            }
        }
    }

    private void requireTold(ModelSource source, String message) {
        assertThatThrownBy(() -> run(source))
                .isInstanceOf(TemplateException.class)
                .hasMessage(
                        "%s%s",
                        folder.resolve("Model.java"),
                        message.replace("FREED", FREED).replace("USED", USED).replace("NULL_POINTER", NULL_POINTER));
    }

    @Test
    void theNetworkRuns() throws IOException {
        run(ModelSource.NETWORK);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "v = k.neg()|v = freed(k)|:24: forward() failed: 'kv_cache.double_1.v':FREED",
                "v = k.neg()|v = freed(k).mul(k)|:23: forward() USED (NullPointerException: This pointer address is NULL.)",
                "v = k.neg()|v = null|:24: forward() failed: 'kv_cache.double_1.v': is null; compute a tensor for it, or"
                        + " leave the entry out",
                "v = k.neg()|v = new Tensor()|:24: forward() failed: 'kv_cache.double_1.v': is an undefined tensor; fill it"
                        + " before it is used",
                "v = k.neg()|v = Tensors.zeros(DType.FLOAT32, Device.META, 1, 4, 4, 32)"
                        + "|:24: forward() returned 'kv_cache.double_1.v', which has no content, as it lies on the Meta device;"
                        + " modules whose parameters it is computed from must be registered with module(...)",
                "v = k.neg()|v = kept == null ? k : kept; kept = k|:24: forward() failed: 'kv_cache.double_1.v':FREED",
                "v = k.neg()|v = kept == null ? k : k.add(kept); kept = k"
                        + "|:23: forward() USED; look at field Net.keptNULL_POINTER",
                "v = k.neg()|v = k; linear.close()|: forward() closed parameter 'linear.weight'; do not close modules, they"
                        + " are closed with the Template",
                "Tensor k =|linear.close(); Tensor k ="
                        + "|:22: forward() uses a parameter of a module that was closed; do not close modules, they are"
                        + " closed with the Template (InvalidStateException: the parameter was freed, as its module was"
                        + " closed; load the model again)",
                "v = k.neg()|v = k; new Scope()|: forward() left a Scope open; open it as try (Scope scope = new Scope())"
                        + " { ... }",
                "v = k.neg()|v = k.add(Tensors.zeros(DType.FLOAT32, Device.CPU, 7))"
                        + "|:23: forward() threw RuntimeException: The size of tensor a (32) must match the size of tensor b"
                        + " (7) at non-singleton dimension 3",
                "v = k.neg()|v = Tensors.zeros(DType.FLOAT32, Device.CPU, 1L << 45)"
                        + "|:23: forward() ran out of memory; use smaller images or batches (RuntimeException:"
                        + " DefaultCPUAllocator: can't allocate memory: you tried to allocate 140737488355328 bytes.)",
                "return new Ready(x, List.of(x));|return new Ready(freed(x), List.of(x));"
                        + "|:19: processInputs() returned 'strength', whichFREED",
                "return new Ready(x, List.of(x));|return new Ready(x, List.of(x, freed(x)));"
                        + "|:19: processInputs() returned 'more.1', whichFREED",
                "return new Ready(x, List.of(x));|return new Ready(null, List.of(x));|:22: forward() USEDNULL_POINTER",
                "return TemplateCache.of(|if (true) return TemplateCache.of(freed(k)); return TemplateCache.of("
                        + "|:24: forward() returned 'text_embedding', whichFREED",
                "return TemplateCache.of(|if (true) return TemplateCache.of(new Lora(Map.of(~gone~, new LoraPair(k, null))));"
                        + " return TemplateCache.of("
                        + "|:24: forward() returned 'lora.gone.lora_B', which is null; compute a tensor for it, or leave the"
                        + " entry out",
                "return TemplateCache.of(|if (true) return new TemplateCache(null, Lora.empty(), null, List.of());"
                        + " return TemplateCache.of("
                        + "|:24: forward() failed: 'kv_cache': is null; KvCache.empty() steers no block",
                "module(~linear~, new Linear(32, 32, true))|new Linear(32, 32, true)"
                        + "|:16: field Net.linear was not registered, so that it has no weights to load or to train; create it"
                        + " as module(~linear~, new Linear(...))",
                "Tensor kept;|final List<Linear> parts = List.of(new Linear(2, 2, true), new Linear(2, 2, true));"
                        + "|:14: fields Net.parts[0], Net.parts[1] were not registered, so that they have no weights to load or"
                        + " to train; create them as module(~parts.0~, new Linear(...))",
            })
    void aMistakeIsToldWithItsPlaceAndRemedy(String part, String replacement, String message) {
        requireTold(
                ModelSource.NETWORK.with(part.replace('~', '"'), replacement.replace('~', '"')),
                message.replace('~', '"'));
    }

    @Test
    void aCacheThatIsReturnedAgainNamesTheFieldThatHoldsIt() {
        ModelSource source = ModelSource.NETWORK
                .with("Tensor kept;", "TemplateCache kept;")
                .with("return TemplateCache.of(", "if (kept != null) return kept; return kept = TemplateCache.of(");
        requireTold(source, ":24: forward() returned 'kv_cache.double_1.k', whichFREED; look at field Net.kept");
    }

    /// A parameter's tensor has no content while the network is constructed, and is replaced when weights are loaded.
    @Test
    void theTensorOfAParameterThatWasTakenInTheConstructorNamesItsField() {
        ModelSource source = ModelSource.NETWORK
                .with(
                        "public Ready processInputs",
                        "private final Tensor early = start.get(); public Ready processInputs")
                .with("v = k.neg()", "v = k.add(early)");
        requireTold(source, ":23: forward() USED; look at field Net.earlyNULL_POINTER");
    }

    @Test
    void aNetworkThatWasClosedIsNotReturnedAgain() throws IOException {
        TemplateFolder template = ModelSource.NETWORK
                .with("{ return new Net(); }", "{ return net; } private final Net net = new Net();")
                .in(folder);
        template.check(base);
        assertThatThrownBy(() -> template.load(base))
                .isInstanceOf(TemplateException.class)
                .hasMessage(
                        "%s: model(base) returned a network that is closed; create a new one in each call",
                        folder.resolve("Model.java"));
    }

    @Test
    void twoParametersOfOneNameAreTold() {
        requireTold(
                ModelSource.NETWORK
                        .with("module(\"linear\", new", "module(\"\", new")
                        .with("parameter(\"start\"", "parameter(\"weight\""),
                ": state() of the network failed: 'name': two parameters are named 'weight'");
    }

    @Test
    void aParameterOfAModuleThatWasNotRegisteredNamesItsFieldAndLine() {
        requireTold(
                ModelSource.NETWORK.with(
                        "private Tensor kept;",
                        "static final class Gate extends io.stencil.nn.Module { final Parameter open = parameter(\"open\", Initializer.ZEROS,"
                                + " 1); } private final Parameter gate = new Gate().open;"),
                ":14: field Net.gate was not registered, so that it has no weights to load or to train; create it as"
                        + " parameter(\"gate\", ...) of the network");
    }

    /// A module that the author fills needs no registration: it is a constant of the network.
    @Test
    void aModuleThatTheAuthorInitializesItselfIsAllowed() throws IOException {
        run(ModelSource.NETWORK.with(
                "public Ready processInputs",
                "private final Linear constant = new Linear(2, 2, true); { try (TorchGenerator random ="
                        + " new TorchGenerator(1)) { constant.initialize(DType.FLOAT32, Device.CPU, random); } }"
                        + " public Ready processInputs"));
    }

    @Test
    void scopesThatWereLeftOpenAreClosed() throws IOException {
        try (Scope _ = new Scope()) {
            Object mark = Scope.mark();
            requireTold(
                    ModelSource.NETWORK.with("v = k.neg()", "v = null; new Scope(); new Scope(); k.add(v)"),
                    ":23: forward() USED (NullPointerException: Pointer address of argument 0 is NULL.)");
            assertThat(Scope.mark()).isSameAs(mark);
        }
    }
}
