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
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Lays out the output folder of a run, and lists and removes the states, checkpoints and logs of earlier runs in it.
///
/// Checkpoints and states lie in `checkpoints/`; those of earlier versions, in the folder itself, are found there too.
///
/// @param folder that is there
public record RunFolder(Path folder) {

    /// Name of the log of the steps.
    public static final String LOG = "training_log.csv";

    /// Name of the log of all events.
    public static final String EVENTS = "events.jsonl";

    /// Name of the page that shows the run.
    public static final String PAGE = "index.html";

    /// Name of the folder of TensorBoard's event files.
    public static final String TENSORBOARD = "tensorboard";

    /// Name of the folder of sample images.
    public static final String SAMPLES = "samples";

    private static final int KEPT_STATES = 2;
    private static final Pattern STATE = Pattern.compile("step-(\\d+)\\.state");
    private static final Pattern DAMAGED = Pattern.compile("step-\\d+\\.state\\.damaged");
    private static final Pattern CHECKPOINT =
            Pattern.compile("((step|epoch)-\\d+|best)(\\.raw)?(\\.lora)?\\.safetensors");
    private static final Pattern LEFTOVER = Pattern.compile(
            "\\.((step|epoch)-\\d+|best|index\\.html|events\\.jsonl|training_args\\.json|training_log\\.csv)\\..*\\.tmp");

    /// Refuses a folder in which a new run would write over the log, the checkpoints or the states of another.
    ///
    /// @throws InvalidRequestException naming what is there and the remedy
    public void requireFresh() {
        List<String> found = paths().filter(this::isOfRun)
                .map(path -> folder.relativize(path).toString())
                .sorted()
                .toList();
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

    private boolean isOfRun(Path path) {
        String name = name(path);
        return switch (name) {
            case LOG -> isBegun(path, line -> loggedStep(line) > 0);
            case EVENTS -> isBegun(path, line -> line.startsWith("{\"type\":\"step\""));
            default ->
                CHECKPOINT.matcher(name).matches()
                        || STATE.matcher(name).matches()
                        || DAMAGED.matcher(name).matches();
        };
    }

    private static boolean isBegun(Path log, Predicate<String> isStep) {
        try (Stream<String> lines = Files.lines(log)) {
            return lines.anyMatch(isStep);
        } catch (IOException | UncheckedIOException e) {
            throw new InvalidFileException(Location.of(log), "cannot be read: " + e, e);
        }
    }

    /// Reads the step of a line of [#LOG]; 0 for the header and for a line that is not whole.
    public static long loggedStep(String line) {
        String number = line.replaceFirst(",.*", "");
        return number.matches("\\d{1,18}") ? Long.parseLong(number) : 0;
    }

    /// Removes what runs write: logs, checkpoints, states, samples and the page, and nothing else.
    public void clear() {
        removeAll(paths().filter(this::isOfRun).toList());
        removeAll(Stream.of(EVENTS, PAGE, TENSORBOARD, SAMPLES)
                .map(folder::resolve)
                .filter(Files::exists)
                .toList());
    }

    /// The folder of checkpoints and states.
    public Path checkpoints() {
        return folder.resolve("checkpoints");
    }

    /// Where the state after a step belongs.
    public Path state(long step) {
        return checkpoints().resolve("step-%s.state".formatted(step));
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
        removeAll(paths().filter(path -> LEFTOVER.matcher(name(path)).matches()).toList());
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

    /// Removes all states but the newest two, and all checkpoints but the newest and the best.
    ///
    /// @param kept number of checkpoints that are kept, with their raw weights; null keeps all
    public void removeOld(@Nullable Integer kept) {
        List<Path> states = states();
        removeAll(states.subList(0, Math.max(0, states.size() - KEPT_STATES)));
        if (kept == null) {
            return;
        }
        TreeMap<Long, List<Path>> found = new TreeMap<>();
        paths().filter(path -> isAtInterval(name(path)))
                .forEach(path -> steps(path)
                        .ifPresent(step -> found.computeIfAbsent(step, _ -> new ArrayList<>())
                                .add(path)));
        while (found.size() > kept) {
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

    private static boolean isAtInterval(String name) {
        return CHECKPOINT.matcher(name).matches() && !name.startsWith("best.");
    }

    /// The complete states, in the order of their steps.
    private List<Path> states() {
        return paths().filter(path -> STATE.matcher(name(path)).matches())
                .sorted(Comparator.comparingLong(RunFolder::step))
                .toList();
    }

    private static long step(Path state) {
        Matcher matcher = STATE.matcher(name(state));
        if (!matcher.matches()) {
            throw new IllegalStateException(state.toString());
        }
        return Long.parseLong(matcher.group(1));
    }

    private static String name(Path path) {
        return String.valueOf(path.getFileName());
    }

    /// Lists the folder and that of the checkpoints.
    private Stream<Path> paths() {
        return Stream.of(folder, checkpoints()).filter(Files::isDirectory).flatMap(listed -> {
            try (Stream<Path> content = Files.list(listed)) {
                return content.toList().stream();
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(listed), "cannot be listed: " + e, e);
            }
        });
    }
}
