/// Template folders: compiling `Model.java`, checking the contract, binding JSON to records, loading weights; calls
/// of an author's code, whose faults are named with line, part and remedy.
@NullMarked
package io.stencil.template.load;

import org.jspecify.annotations.NullMarked;
