package io.stencil.template.value;

/// The input of a Template of the value family.
///
/// @param scale the number; trained Templates say which range they know, usually 0..1
public record ValueInput(double scale) {}
