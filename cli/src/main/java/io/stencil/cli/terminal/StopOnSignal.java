package io.stencil.cli.terminal;

import java.io.PrintWriter;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.InvocationTargetException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Ends work in order at the first signal to stop (Ctrl-C, SIGTERM, SIGHUP), and the process at once at the second.
///
/// The first signal requests that the work stop. A signal that comes within a second of it is the same request:
/// `timeout`, launchers and terminals deliver one to a process more than once. A later one ends the process at once,
/// whatever the work does, and says what is lost. So does `System.exit` in the code of a Template.
public final class StopOnSignal implements AutoCloseable {

    /// Exit code of a run that was interrupted.
    public static final int INTERRUPTED = 130;

    private static final List<String> SIGNALS = List.of("HUP", "INT", "TERM");
    private static final Duration SAME_REQUEST = Duration.ofSeconds(1);
    private static final Duration PRINTING = Duration.ofSeconds(2);
    private static final int FAILED = 1;

    private final SignalHandlers handlers;
    private final @Nullable Thread hook;
    private final Runnable requestStop;
    private final Runnable again;
    private boolean requested;
    private long requestedAt;

    /// @param requestStop requests that the work stop soon; called once, on another thread
    /// @param unsaved what is lost when the process ends at once; called on another thread
    /// @param err where that is printed
    public StopOnSignal(Runnable requestStop, Supplier<String> unsaved, PrintWriter err) {
        this.requestStop = requestStop;
        this.again = () -> {
            print(err, () -> "ended at once: " + unsaved.get());
            Runtime.getRuntime().halt(INTERRUPTED);
        };
        this.hook = new Thread(
                () -> {
                    print(err, () -> "System.exit was called before the work was done: " + unsaved.get());
                    Runtime.getRuntime().halt(FAILED); // whatever code was given: the work is not done
                },
                "exit");
        Runtime.getRuntime().addShutdownHook(hook);
        this.handlers = new SignalHandlers(SIGNALS, this::signalled);
    }

    private StopOnSignal(Runnable stop) {
        this.requestStop = stop;
        this.again = stop;
        this.hook = null;
        this.handlers = new SignalHandlers(SIGNALS, this::signalled);
    }

    /// Passes each request on, also those after the first: for work that is done in other processes.
    ///
    /// @param stop called on another thread
    public static StopOnSignal passingOn(Runnable stop) {
        return new StopOnSignal(stop);
    }

    private void signalled() {
        boolean first;
        synchronized (this) {
            first = !requested;
            if (first) {
                requested = true;
                requestedAt = System.nanoTime();
            } else if (System.nanoTime() - requestedAt < SAME_REQUEST.toNanos()) {
                return;
            }
        }
        if (first) {
            requestStop.run();
        } else {
            again.run();
        }
    }

    /// Prints on another thread, as the output may be blocked for good.
    private static void print(PrintWriter err, Supplier<String> text) {
        Thread printing = Thread.ofPlatform().daemon().start(() -> {
            err.println();
            err.println("stencil: " + text.get());
            err.flush();
        });
        try {
            printing.join(PRINTING);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Ends the work: signals end the process as they do by default.
    @Override
    public void close() {
        handlers.close();
        if (hook != null) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException _) { // it is running, and ends the process
            }
        }
    }

    /// Hears signals of the operating system, each time one comes; until closed, they do not end the process by
    /// themselves.
    ///
    /// The class `sun.misc.Signal` of the module `jdk.unsupported` is what Java has for that, as shutdown hooks run
    /// once. It is reached by reflection: javac warns of its name in a way that no option turns off. A signal that
    /// the process was started to ignore (`nohup`, a shell's background job) stays ignored.
    private static final class SignalHandlers implements AutoCloseable {

        private record Replaced(Object signal, Object handler) {}

        private final List<Replaced> replaced = new ArrayList<>();

        /// @param names such as `INT`
        /// @param action called on a new thread for each signal
        SignalHandlers(List<String> names, Runnable action) {
            try {
                Class<?> type = Class.forName("sun.misc.SignalHandler");
                MethodHandle run = MethodHandles.lookup()
                        .findVirtual(Runnable.class, "run", MethodType.methodType(void.class))
                        .bindTo(action);
                Object handler = MethodHandleProxies.asInterfaceInstance(
                        type, MethodHandles.dropArguments(run, 0, Class.forName("sun.misc.Signal")));
                for (String name : names) {
                    Object signal = Class.forName("sun.misc.Signal")
                            .getConstructor(String.class)
                            .newInstance(name);
                    replace(signal, handler);
                }
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("this Java has no sun.misc.Signal", e);
            }
        }

        /// Where Java was started with `-Xrs` signals are the system's, and end the process at once.
        private void replace(Object signal, Object handler) throws ReflectiveOperationException {
            try {
                replaced.add(new Replaced(signal, handle(signal, handler)));
            } catch (InvocationTargetException e) {
                if (!(e.getCause() instanceof IllegalArgumentException)) {
                    throw e;
                }
            }
        }

        private static Object handle(Object signal, Object handler) throws ReflectiveOperationException {
            return signal.getClass()
                    .getMethod("handle", signal.getClass(), Class.forName("sun.misc.SignalHandler"))
                    .invoke(null, signal, handler);
        }

        /// Puts back the handlers that were there.
        @Override
        public void close() {
            try {
                for (Replaced one : replaced) {
                    handle(one.signal(), one.handler());
                }
                replaced.clear();
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("a handler of a signal cannot be put back", e);
            }
        }
    }
}
