package io.stencil.springboot;

import io.stencil.service.ImageService;
import io.stencil.service.ServiceStatus;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

/// Reports an [ImageService] as up while it accepts requests, and as out of service once it is closed.
final class StencilHealthIndicator extends AbstractHealthIndicator {

    private final ImageService service;

    StencilHealthIndicator(ImageService service) {
        this.service = service;
    }

    @Override
    protected void doHealthCheck(Health.Builder health) {
        ServiceStatus status = service.status();
        (status.open() ? health.up() : health.outOfService())
                .withDetail("model", service.model().name())
                .withDetail("devices", service.model().devices())
                .withDetail("running", status.running())
                .withDetail("queued", status.queued())
                .withDetail("capacity", status.capacity());
    }
}
