package io.stencil.distributed;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;

/// Ranks as threads of one process, which meet by a real store.
public final class Threads {

    private Threads() {}

    /// Environments of so many ranks that meet at a free port.
    public static List<ProcessEnvironment> environments(int size) throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        List<ProcessEnvironment> ranks = new ArrayList<>();
        for (int rank = 0; rank < size; rank++) {
            ranks.add(new ProcessEnvironment(
                    rank, size, rank, new ProcessEnvironment.Meeting("127.0.0.1", port, false, "test/")));
        }
        return ranks;
    }

    /// Does the work of each rank on a thread of its own.
    ///
    /// @return what each gave, or threw
    public static <T> List<CompletableFuture<T>> run(
            List<ProcessEnvironment> ranks, Function<ProcessEnvironment, T> work) {
        try (ExecutorService threads = Executors.newFixedThreadPool(ranks.size())) {
            List<CompletableFuture<T>> all = ranks.stream()
                    .map(rank -> CompletableFuture.supplyAsync(() -> work.apply(rank), threads))
                    .toList();
            all.forEach(one -> one.handle((_, _) -> 0).join());
            return all;
        }
    }
}
