package io.stencil.server;

import java.time.Duration;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.internal.HttpConnection;

/// Closes connections whose request line and headers are not complete after a time, however often a byte of them comes:
/// Jetty's own limit is on the time between two bytes.
final class HeaderWatch implements Runnable {

    private final ServerConnector connector;
    private final Duration patience;
    private final Map<EndPoint, Pending> pending = new WeakHashMap<>();

    /// A request whose headers are not complete.
    ///
    /// @param index of the request on its connection
    /// @param bytes that the connection had received
    /// @param since time of the first look, in nanoseconds
    private record Pending(long index, long bytes, long since) {}

    private HeaderWatch(ServerConnector connector, Duration patience) {
        this.connector = connector;
        this.patience = patience;
    }

    /// Starts to look at the connections of a connector that has started, until it stops.
    static void start(ServerConnector connector, Duration patience) {
        new HeaderWatch(connector, patience).schedule();
    }

    private void schedule() {
        if (connector.isRunning()) {
            connector.getScheduler().schedule(this, Math.max(1, patience.toMillis() / 2), TimeUnit.MILLISECONDS);
        }
    }

    @Override
    public void run() {
        long now = System.nanoTime();
        for (EndPoint endPoint : connector.getConnectedEndPoints()) {
            if (endPoint.getConnection() instanceof HttpConnection connection
                    && connection.getParser().inHeaderState()) {
                Pending first = pending.get(endPoint);
                if (first == null || isOther(first, connection)) {
                    pending.put(endPoint, new Pending(connection.getMessagesIn(), connection.getBytesIn(), now));
                } else if (now - first.since() > patience.toNanos()) {
                    endPoint.close();
                }
            } else {
                pending.remove(endPoint);
            }
        }
        schedule();
    }

    /// Whether it is another request than at the first look, or none has begun since: Jetty closes idle connections.
    private static boolean isOther(Pending first, HttpConnection connection) {
        return first.index() != connection.getMessagesIn()
                || (connection.getParser().isStart() && first.bytes() == connection.getBytesIn());
    }
}
