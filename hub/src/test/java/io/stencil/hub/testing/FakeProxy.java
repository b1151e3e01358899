package io.stencil.hub.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// An HTTP proxy of this machine that connects to one port, whichever host is requested.
public final class FakeProxy implements AutoCloseable {

    private final ServerSocket server;
    private final int target;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<String> heads = new CopyOnWriteArrayList<>();
    private final ByteArrayOutputStream tunnelled = new ByteArrayOutputStream();
    private volatile String authorization = "";
    private volatile int refusal;

    /// @param target port of this machine
    public FakeProxy(int target) {
        this.target = target;
        try {
            server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var _ = threads.submit(() -> {
            while (true) {
                Socket client = server.accept();
                var _ = threads.submit(() -> {
                    try (client) {
                        serve(client);
                    }
                    return null;
                });
            }
        });
    }

    /// `127.0.0.1:PORT`.
    public String address() {
        return "127.0.0.1:" + server.getLocalPort();
    }

    /// From now on requests need this value of `Proxy-Authorization`.
    public void require(String wanted) {
        authorization = wanted;
    }

    /// From now on it answers each request with this status.
    public void refuse(int status) {
        refusal = status;
    }

    /// Request lines and headers of all requests that it was sent.
    public List<String> heads() {
        return heads;
    }

    /// All that went through tunnels to the target, and so could be read here.
    public String tunnelled() {
        synchronized (tunnelled) {
            return tunnelled.toString(StandardCharsets.ISO_8859_1);
        }
    }

    private void serve(Socket client) throws IOException {
        String head = head(client.getInputStream());
        heads.add(head);
        if (!head.toLowerCase(Locale.ROOT).contains("proxy-authorization: " + authorization.toLowerCase(Locale.ROOT))
                && !authorization.isEmpty()) {
            answer(client, "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"proxy\"");
        } else if (refusal != 0) {
            answer(client, refusal + " No");
        } else {
            try (Socket hub = new Socket(InetAddress.getLoopbackAddress(), target)) {
                if (head.startsWith("CONNECT ")) {
                    client.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                } else {
                    String own = head.replaceFirst(" http://[^/]+", " ")
                            .replaceFirst("\r\n\r\n$", "\r\nConnection: close\r\n\r\n");
                    hub.getOutputStream().write(own.getBytes(StandardCharsets.ISO_8859_1));
                }
                var _ = threads.submit(() -> {
                    copy(client.getInputStream(), hub.getOutputStream(), true);
                    return null;
                });
                copy(hub.getInputStream(), client.getOutputStream(), false);
            }
        }
    }

    private void copy(InputStream in, OutputStream out, boolean toTarget) throws IOException {
        byte[] buffer = new byte[1 << 14];
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
            if (toTarget) {
                synchronized (tunnelled) {
                    tunnelled.write(buffer, 0, read);
                }
            }
            out.write(buffer, 0, read);
            out.flush();
        }
    }

    private static void answer(Socket client, String status) throws IOException {
        client.getOutputStream()
                .write("HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                        .formatted(status)
                        .getBytes(StandardCharsets.US_ASCII));
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("the client went away");
            }
            head.append((char) next);
        }
        return head.toString();
    }

    @Override
    public void close() {
        threads.shutdownNow();
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
