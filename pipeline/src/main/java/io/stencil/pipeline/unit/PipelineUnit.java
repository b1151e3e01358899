package io.stencil.pipeline.unit;

/// One stage of the pipeline.
///
/// The declaration is binding: a unit that reads a port it did not declare, or writes another, fails. What needs what
/// can therefore be derived from the declarations. A declared input may be absent; a unit whose work is not requested
/// writes nothing.
public interface PipelineUnit {

    /// For which sides of classifier-free guidance a unit runs.
    enum Sides {
        /// Once; the result belongs to both sides.
        SHARED,
        /// Once for each side that is computed.
        EACH
    }

    UnitDeclaration declaration();

    void run(PortAccess ports);
}
