package io.stencil.cli.terminal;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;

/// Hears signals of the operating system, each time one comes; until closed, they do not end the process by themselves.
///
/// The class `sun.misc.Signal` of the module `jdk.unsupported` is what Java has for that, as shutdown hooks run once.
/// It is reached by reflection: javac warns of its name in a way that no option turns off. A signal that the process
/// was started to ignore (`nohup`, a shell's background job) stays ignored.
final class SignalHandlers implements AutoCloseable {

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
