package io.stencil.train.checkpoint;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.AtomicFolder;
import io.stencil.safetensors.SafetensorsHeader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Lists and removes the states, checkpoints and logs of earlier runs in the output folder.
///
/// @param folder that is there
public record RunFolder(Path folder) {

    /// Name of the log of the steps.
    public static final String LOG = "training_log.csv";

    private static final int KEPT_STATES = 2;
    private static final Pattern STATE = Pattern.compile("step-(\\d+)\\.state");
    private static final Pattern DAMAGED = Pattern.compile("step-\\d+\\.state\\.damaged");
    private static final Pattern CHECKPOINT = Pattern.compile("(step|epoch)-\\d+(\\.raw)?(\\.lora)?\\.safetensors");
    private static final Pattern LEFTOVER = Pattern.compile("\\.(step|epoch)-\\d+\\..*\\.tmp");

    /// Refuses a folder in which a new run would write over the log, the checkpoints or the states of another.
    ///
    /// @throws InvalidRequestException naming what is there and the remedy
    public void requireFresh() {
        List<String> found = names().stream().filter(this::isOfRun).sorted().toList();
        if (!found.isEmpty()) {
            boolean resumable = !states().isEmpty();
            throw new InvalidRequestException(
                    "output_path",
                    "'%s' holds another run: %s; %sname another folder"
                            .formatted(
                                    folder,
                                    NameList.of(found),
                                    resumable ? "go on with it by --resume %s, or ".formatted(folder) : ""));
        }
    }

    private boolean isOfRun(String name) {
        if (name.equals(LOG)) {
            return isLogBegun();
        }
        return CHECKPOINT.matcher(name).matches()
                || STATE.matcher(name).matches()
                || DAMAGED.matcher(name).matches();
    }

    private boolean isLogBegun() {
        Path file = folder.resolve(LOG);
        try (Stream<String> lines = Files.lines(file)) {
            return lines.anyMatch(line -> loggedStep(line) > 0);
        } catch (IOException | UncheckedIOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
        }
    }

    /// Reads the step of a line of [#LOG]; 0 for the header and for a line that is not whole.
    public static long loggedStep(String line) {
        String number = line.replaceFirst(",.*", "");
        return number.matches("\\d{1,18}") ? Long.parseLong(number) : 0;
    }

    /// Removes log, checkpoints and states of an earlier run, and nothing else.
    public void clear() {
        removeAll(names().stream().filter(this::isOfRun).map(folder::resolve).toList());
    }

    /// Where the state after a step belongs.
    public Path state(long step) {
        return folder.resolve("step-%s.state".formatted(step));
    }

    /// The newest state that is not damaged, to go on from. Those that are and are newer are set aside, as
    /// `step-N.state.damaged`. Temporary files that a killed process left are removed.
    ///
    /// @param warning receives a line for each state that is set aside
    /// @throws InvalidRequestException when there is none
    /// @throws InvalidFileException when all are damaged, with the fault of each
    public SavedState newestState(Consumer<String> warning) {
        List<Path> states = states();
        if (states.isEmpty()) {
            throw new InvalidRequestException(
                    "resume",
                    "'%s' holds no complete state (step-N.state) to go on from; train anew into another folder"
                            .formatted(folder));
        }
        removeAll(names().stream()
                .filter(name -> LEFTOVER.matcher(name).matches())
                .map(folder::resolve)
                .toList());
        Map<Path, InvalidFileException> damaged = new LinkedHashMap<>();
        for (Path path : states.reversed()) {
            try {
                SavedState state = SavedState.read(path);
                state.requireUndamaged();
                damaged.forEach((bad, fault) -> setAside(bad, fault, path, warning));
                return state;
            } catch (InvalidFileException e) {
                damaged.put(path, e);
            }
        }
        List<InvalidFileException> faults = List.copyOf(damaged.values());
        if (faults.size() == 1) {
            throw faults.getFirst();
        }
        throw new InvalidFileException(
                folder,
                "no state in it can be read: "
                        + faults.stream().map(InvalidFileException::getMessage).collect(Collectors.joining("; ")));
    }

    private void setAside(Path damaged, InvalidFileException fault, Path used, Consumer<String> warning) {
        Path aside = damaged.resolveSibling(damaged.getFileName() + ".damaged");
        if (Files.exists(aside)) {
            removeAll(List.of(aside));
        }
        try {
            Files.move(damaged, aside, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(damaged), "is damaged and cannot be renamed: " + e, e);
        }
        warning.accept("the state %s is damaged (%s) and is renamed to %s; going on from %s"
                .formatted(damaged.getFileName(), fault.getMessage(), aside.getFileName(), used.getFileName()));
    }

    /// Removes all states but the newest two, and all checkpoints but the newest.
    ///
    /// @param checkpoints that are kept, with their raw weights; null keeps all
    public void removeOld(@Nullable Integer checkpoints) {
        List<Path> states = states();
        removeAll(states.subList(0, Math.max(0, states.size() - KEPT_STATES)));
        if (checkpoints == null) {
            return;
        }
        TreeMap<Long, List<Path>> found = new TreeMap<>();
        for (String name : names()) {
            if (CHECKPOINT.matcher(name).matches()) {
                steps(folder.resolve(name))
                        .ifPresent(step -> found.computeIfAbsent(step, _ -> new ArrayList<>())
                                .add(folder.resolve(name)));
            }
        }
        while (found.size() > checkpoints) {
            removeAll(found.pollFirstEntry().getValue());
        }
    }

    /// Reads the step of a checkpoint from its file; empty where that has none.
    private static Optional<Long> steps(Path checkpoint) {
        try {
            String steps = SafetensorsHeader.read(checkpoint).metadata().getOrDefault("step", "");
            return steps.matches("\\d{1,18}") ? Optional.of(Long.parseLong(steps)) : Optional.empty();
        } catch (InvalidFileException _) { // it is no checkpoint of this run, and stays
            return Optional.empty();
        }
    }

    private void removeAll(List<Path> paths) {
        for (Path path : paths) {
            try {
                AtomicFolder.remove(path);
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(path), "cannot be removed: " + e, e);
            }
        }
    }

    /// The complete states, in the order of their steps.
    private List<Path> states() {
        return names().stream()
                .filter(name -> STATE.matcher(name).matches())
                .sorted(Comparator.comparingLong(RunFolder::step))
                .map(folder::resolve)
                .toList();
    }

    private static long step(String name) {
        Matcher matcher = STATE.matcher(name);
        if (!matcher.matches()) {
            throw new IllegalStateException(name);
        }
        return Long.parseLong(matcher.group(1));
    }

    private List<String> names() {
        try (Stream<Path> content = Files.list(folder)) {
            return content.map(path -> path.getFileName().toString()).toList();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be listed: " + e, e);
        }
    }
}
