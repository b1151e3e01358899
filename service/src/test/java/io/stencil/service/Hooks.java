package io.stencil.service;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Code of a test that the Template `hook` runs on a worker's thread.
public final class Hooks {

    private static final Map<String, Runnable> ACTIONS = new ConcurrentHashMap<>();

    private Hooks() {}

    static void set(String name, Runnable action) {
        ACTIONS.put(name, action);
    }

    /// Called by the Template.
    public static void run(String name) {
        ACTIONS.getOrDefault(name, () -> {}).run();
    }
}
