package io.stencil.springboot;

import io.stencil.error.StencilException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/// Shows the line of a [StencilException] where an application does not start, in place of a trace.
final class StencilFailureAnalyzer extends AbstractFailureAnalyzer<StencilException> {

    @Override
    protected FailureAnalysis analyze(Throwable root, StencilException cause) {
        return new FailureAnalysis("Stencil cannot open its image service: " + cause.getMessage(), null, cause);
    }
}
