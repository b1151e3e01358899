package io.stencil.distributed;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.Device;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads the rank of this process from the environment variables of `torchrun`, Slurm and Kubernetes operators.
///
/// @param rank from 0
/// @param worldSize number of processes
/// @param localRank number of the process on its machine, which chooses the GPU
/// @param meeting where the processes meet; null for a process that works alone
public record ProcessEnvironment(
        int rank, int worldSize, int localRank, @Nullable Meeting meeting) {

    /// One process.
    public static final ProcessEnvironment ALONE = new ProcessEnvironment(0, 1, 0, null);

    public static final String ADDRESS = "MASTER_ADDR";
    public static final String PORT = "MASTER_PORT";
    public static final String RANK = "RANK";
    public static final String WORLD_SIZE = "WORLD_SIZE";
    public static final String LOCAL_RANK = "LOCAL_RANK";

    private static final List<String> NEEDED = List.of(ADDRESS, PORT, RANK, WORLD_SIZE);
    private static final int LAST_PORT = 65_535;

    /// Where processes meet.
    ///
    /// @param address of the machine of rank 0
    /// @param port that is free there
    /// @param hostedElsewhere whether the process that started these, and not rank 0, answers there: `torchrun` does
    /// @param prefix of all names in the store there
    public record Meeting(String address, int port, boolean hostedElsewhere, String prefix) {}

    /// Reads `MASTER_ADDR`, `MASTER_PORT`, `RANK`, `WORLD_SIZE` and `LOCAL_RANK`. Where none is set, or `WORLD_SIZE` is
    /// 1, the process works alone; `LOCAL_RANK` may be absent, and is 0 then.
    ///
    /// @throws InvalidRequestException naming what is missing or wrong
    public static ProcessEnvironment of(Map<String, String> environment) {
        Map<String, String> given = new LinkedHashMap<>();
        for (String name : List.of(ADDRESS, PORT, RANK, WORLD_SIZE, LOCAL_RANK)) {
            String value = environment.getOrDefault(name, "").strip();
            if (!value.isEmpty()) {
                given.put(name, value);
            }
        }
        if (given.isEmpty()) {
            return ALONE;
        }
        int worldSize = given.containsKey(WORLD_SIZE) ? number(given, WORLD_SIZE, 1, Integer.MAX_VALUE) : 0;
        if (worldSize == 1 && number(given, RANK, 0, 0) == 0) {
            return ALONE;
        }
        List<String> missing =
                NEEDED.stream().filter(name -> !given.containsKey(name)).toList();
        if (!missing.isEmpty()) {
            throw new InvalidRequestException(
                    missing.getFirst(),
                    "is not set in the environment, but %s is: training in several processes needs %s; set them all or none"
                            .formatted(String.join(", ", given.keySet()), String.join(", ", NEEDED)));
        }
        boolean elsewhere =
                environment.getOrDefault("TORCHELASTIC_USE_AGENT_STORE", "").equalsIgnoreCase("true");
        String attempt = environment.getOrDefault("TORCHELASTIC_RESTART_COUNT", "0");
        return new ProcessEnvironment(
                number(given, RANK, 0, worldSize - 1),
                worldSize,
                number(given, LOCAL_RANK, 0, worldSize - 1),
                new Meeting(
                        given.getOrDefault(ADDRESS, ""),
                        number(given, PORT, 1, LAST_PORT),
                        elsewhere,
                        "stencil/%s/".formatted(attempt)));
    }

    /// @return 0 when it is absent
    private static int number(Map<String, String> given, String name, int least, int most) {
        String text = given.get(name);
        if (text == null) {
            return 0;
        }
        int value = text.matches("\\d{1,9}") ? Integer.parseInt(text) : -1;
        if (value < least || value > most) {
            throw new InvalidRequestException(
                    name,
                    "is '%s' in the environment; expected a number %s"
                            .formatted(
                                    text,
                                    most == Integer.MAX_VALUE
                                            ? "of at least " + least
                                            : "from %s to %s".formatted(least, most)));
        }
        return value;
    }

    /// Whether there are others.
    public boolean isShared() {
        return worldSize > 1;
    }

    /// Returns the device of this process for `cuda`: the GPU of its local rank.
    ///
    /// @throws InvalidRequestException when the machine has no such GPU
    public Device device(Device requested) {
        return isShared() && requested.kind() == Device.Kind.CUDA ? Device.parse("cuda:" + localRank) : requested;
    }
}
