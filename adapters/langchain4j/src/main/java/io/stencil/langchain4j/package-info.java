/// LangChain4j's image model over an [io.stencil.service.ImageService].
@NullMarked
package io.stencil.langchain4j;

import org.jspecify.annotations.NullMarked;
