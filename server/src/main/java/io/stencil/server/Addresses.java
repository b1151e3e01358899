package io.stencil.server;

import io.stencil.image.ImageFormat;
import io.stencil.service.GenerationJob;
import java.util.Locale;

/// Writes addresses of jobs and their images into answers. With a public URL in the settings they begin with it, so
/// that behind a balancer the address of a job names the replica that has it; without one the address of a job is a
/// path.
final class Addresses {

    static final String JOBS = "/api/jobs/";
    static final String SIGNATURE = "signature";

    private final ServerSettings settings;
    private final Guard guard;

    Addresses(ServerSettings settings, Guard guard) {
        this.settings = settings;
        this.guard = guard;
    }

    /// Returns the address of a job.
    String job(GenerationJob job) {
        return (settings.publicUrl() == null ? "" : base()) + JOBS + job.id();
    }

    /// Returns the address of an image, which is read without the API key.
    ///
    /// @param index from 0
    String image(Exchange exchange, GenerationJob job, int index, ImageFormat format) {
        String host = settings.publicUrl() == null ? "http://" + exchange.authority() : base();
        String path = JOBS + job.id() + "/images/" + index;
        return "%s%s?format=%s%s"
                .formatted(
                        host,
                        path,
                        format.name().toLowerCase(Locale.ROOT),
                        settings.apiKey() == null ? "" : "&" + SIGNATURE + "=" + guard.signature(path));
    }

    private String base() {
        String url = String.valueOf(settings.publicUrl());
        return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
    }
}
