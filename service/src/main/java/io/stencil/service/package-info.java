/// Image generation for many callers at once: a bounded queue, jobs with events and cancellation, Templates and LoRAs
/// by name. It needs no HTTP.
///
/// ```java
/// ServiceSettings settings = ServiceSettings.builder(
///                 ModelFiles.in(Path.of("FLUX.2-klein-4B")), LoadOptions.DEFAULT)
///         .template("brightness", new TemplateFolder(Path.of("brightness")))
///         .lora("ink", Path.of("ink.safetensors"))
///         .queueSize(16)
///         .build();
/// try (ImageService service = ImageService.open(settings)) {
///     ImageRequest request = ImageRequest.of("a lighthouse at dusk")
///             .size(768, 512)
///             .n(2)
///             .template("brightness", Map.of("scale", 0.8))
///             .lora("ink", 0.6)
///             .build();
///     GenerationJob job = service.submit(request); // returns at once
///     job.subscribe(event -> {
///         if (event instanceof JobEvent.Step step) {
///             System.out.println(step.step() + " of " + step.of());
///         }
///     });
///     for (GeneratedImage image : job.result().get()) {
///         RgbImageWriter.write(image.image(), Path.of(job.id() + ".png"));
///     }
/// }
/// ```
///
/// One worker thread a device takes the jobs in the order of their submission. [io.stencil.service.ImageService] may
/// be called from any thread; listeners are called on threads of their own.
@NullMarked
package io.stencil.service;

import org.jspecify.annotations.NullMarked;
