/// Spring Boot's auto-configuration of an [io.stencil.service.ImageService].
@NullMarked
package io.stencil.springboot;

import org.jspecify.annotations.NullMarked;
