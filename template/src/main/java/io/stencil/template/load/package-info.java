/// Template folders: compiling `Model.java`, checking the contract, loading weights.
@NullMarked
package io.stencil.template.load;

import org.jspecify.annotations.NullMarked;
