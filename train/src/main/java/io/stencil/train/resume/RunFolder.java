package io.stencil.train.resume;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.AtomicFolder;
import io.stencil.train.log.CsvLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The output folder of a run: what earlier work has left in it.
///
/// @param folder that is there
public record RunFolder(Path folder) {

    private static final int KEPT_STATES = 2;
    private static final Pattern STATE = Pattern.compile("step-(\\d+)\\.state");
    private static final Pattern CHECKPOINT = Pattern.compile("(step|epoch)-\\d+(\\.raw)?\\.safetensors");
    private static final Pattern LEFTOVER = Pattern.compile("\\.(step|epoch)-\\d+\\..*\\.tmp");

    /// Refuses a folder in which a new run would write over the log, the checkpoints or the states of another.
    ///
    /// @throws InvalidRequestException telling what is there and what to do
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
        if (name.equals(CsvLog.FILE_NAME)) {
            return CsvLog.hasSteps(folder);
        }
        return CHECKPOINT.matcher(name).matches() || STATE.matcher(name).matches();
    }

    /// Removes log, checkpoints and states of an earlier run, and nothing else.
    public void clear() {
        removeAll(names().stream().filter(this::isOfRun).map(folder::resolve).toList());
    }

    /// Where the state after a step belongs.
    public Path state(long step) {
        return folder.resolve("step-%s.state".formatted(step));
    }

    /// The state to go on from. Temporary files that a killed process left are removed.
    ///
    /// @throws InvalidRequestException when there is none
    public SavedState newestState() {
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
        return SavedState.read(states.getLast());
    }

    /// Removes all states but the newest two.
    public void removeOldStates() {
        List<Path> states = states();
        removeAll(states.subList(0, Math.max(0, states.size() - KEPT_STATES)));
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
