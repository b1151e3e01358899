package io.stencil.server;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;

/// Closes connections whose request line and headers are not complete after a time, however often a byte of them comes:
/// Jetty's own limit is on the time between two bytes.
///
/// A connection that is in no request, and has received bytes since its last one, waits for headers.
final class HeaderWatch extends Handler.Wrapper {

    private final ServerConnector connector;
    private final Duration patience;
    private final Set<Connection> inRequest = ConcurrentHashMap.newKeySet();

    /// Bytes that a connection had received when its last request ended.
    private final Map<Connection, Long> taken = new ConcurrentHashMap<>();

    /// Times of the first look, in nanoseconds, at connections that wait for headers.
    private final Map<Connection, Long> waiting = new ConcurrentHashMap<>();

    HeaderWatch(Handler handler, ServerConnector connector, Duration patience) {
        super(handler);
        this.connector = connector;
        this.patience = patience;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        Connection connection = request.getConnectionMetaData().getConnection();
        inRequest.add(connection);
        waiting.remove(connection);
        Request.addCompletionListener(request, _ -> {
            taken.put(connection, connection.getBytesIn());
            inRequest.remove(connection);
        });
        return super.handle(request, response, callback);
    }

    /// Starts to look at the connections of the connector, which has started, until it stops.
    void watch() {
        if (connector.isRunning()) {
            connector.getScheduler().schedule(this::look, Math.max(1, patience.toMillis() / 2), TimeUnit.MILLISECONDS);
        }
    }

    private void look() {
        try {
            closeLateOnes(System.nanoTime());
        } finally {
            watch();
        }
    }

    private void closeLateOnes(long now) {
        for (EndPoint endPoint : connector.getConnectedEndPoints()) {
            Connection connection = endPoint.getConnection();
            if (connection == null) {
                continue;
            }
            boolean waits =
                    !inRequest.contains(connection) && connection.getBytesIn() != taken.getOrDefault(connection, 0L);
            if (!waits) {
                waiting.remove(connection);
            } else if (now - waiting.computeIfAbsent(connection, _ -> now) > patience.toNanos()) {
                endPoint.close();
            }
        }
        for (Set<Connection> kept : List.of(inRequest, taken.keySet(), waiting.keySet())) {
            kept.removeIf(connection -> !connection.getEndPoint().isOpen());
        }
    }
}
