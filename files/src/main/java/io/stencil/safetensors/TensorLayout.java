package io.stencil.safetensors;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/// Renames, splits and reorders the tensors of files, which other software wrote under other names.
///
/// A part of the rows of a mapped tensor is a view of it, whatever its dtype: rows lie one behind the other. Only
/// [swapped halves][Change.SwappedHalves] are a copy, made when they are first read.
public final class TensorLayout implements TensorSource {

    /// Difference between a tensor in a file and the same one in a model.
    public sealed interface Change {

        /// The tensor as it is.
        Change NONE = new None();

        /// The second half of the rows before the first.
        Change SWAPPED_HALVES = new SwappedHalves();

        /// Without the trailing dimensions of one element: `[out, in]` of a convolution's `[out, in, 1, 1]`.
        Change SQUEEZED = new Squeezed();

        /// The same bytes in the same shape.
        record None() implements Change {}

        /// One of several equal parts of the rows.
        ///
        /// @param index from 0
        /// @param count of parts
        record RowShare(int index, int count) implements Change {}

        /// Rows in two halves that change places.
        record SwappedHalves() implements Change {}

        /// The same bytes with fewer dimensions.
        record Squeezed() implements Change {}

        /// Number of equal parts that the rows must have.
        private int divisor() {
            return switch (this) {
                case None _, Squeezed _ -> 1;
                case RowShare share -> share.count;
                case SwappedHalves _ -> 2;
            };
        }

        /// Shape of the tensor in the model.
        private List<Long> shape(List<Long> shape) {
            return switch (this) {
                case None _, SwappedHalves _ -> shape;
                case RowShare share -> {
                    List<Long> part = new ArrayList<>(shape);
                    part.set(0, shape.getFirst() / share.count);
                    yield part;
                }
                case Squeezed _ -> {
                    int dimensions = shape.size();
                    while (dimensions > 1 && shape.get(dimensions - 1) == 1) {
                        dimensions--;
                    }
                    yield shape.subList(0, dimensions);
                }
            };
        }
    }

    /// Place of a model's tensor in a file.
    ///
    /// @param tensor its name there
    public record Placement(String tensor, Change change) {}

    private final TensorSource source;
    private final Map<String, Placement> placements;
    private final Map<String, TensorEntry> entries = new LinkedHashMap<>();
    private final Map<String, MemorySegment> copies = new ConcurrentHashMap<>(1);
    private final Arena memory = Arena.ofShared();
    private final String dialect;
    private final UnaryOperator<String> fileName;

    /// Takes over `source`, which is closed with the layout.
    ///
    /// @param placements tensors of the model by name
    /// @param dialect whose names the file has, such as `BFL names`, for messages
    /// @param fileName from a name in the model to the name that the file has or should have
    /// @throws InvalidFileException when the rows of a tensor cannot be divided; `source` is not closed then
    public TensorLayout(
            TensorSource source, Map<String, Placement> placements, String dialect, UnaryOperator<String> fileName) {
        this.source = source;
        this.placements = Map.copyOf(placements);
        this.dialect = dialect;
        this.fileName = fileName;
        placements.forEach((name, placement) -> entries.put(name, entry(name, placement)));
    }

    private TensorEntry entry(String name, Placement placement) {
        TensorEntry entry = source.entry(placement.tensor);
        Change change = placement.change;
        int divisor = change.divisor();
        if (divisor > 1 && (entry.shape().isEmpty() || entry.shape().getFirst() % divisor != 0)) {
            throw new InvalidFileException(
                    new Location(source.origin(placement.tensor), null, placement.tensor),
                    "has shape %s, expected rows in %s equal parts".formatted(entry.shape(), divisor));
        }
        if (divisor > 1) {
            requireWholeBlocks(entry, divisor);
        }
        long size = change instanceof Change.RowShare ? entry.byteSize() / divisor : entry.byteSize();
        long begin = change instanceof Change.RowShare share ? entry.begin() + share.index * size : entry.begin();
        return new TensorEntry(name, entry.dtype(), change.shape(entry.shape()), begin, begin + size);
    }

    /// Rows that were reshaped to fill blocks may end within one.
    private void requireWholeBlocks(TensorEntry entry, int divisor) {
        try {
            long ofPart = entry.dtype().byteSize(List.of(entry.elementCount() / divisor));
            if (ofPart * divisor == entry.byteSize()) {
                return;
            }
        } catch (InvalidRequestException _) {
            // its parts do not fill blocks
        }
        throw new InvalidFileException(
                new Location(source.origin(entry.name()), null, entry.name()),
                "of shape %s in %s cannot be divided into %s parts of whole blocks"
                        .formatted(entry.shape(), entry.dtype().formatName(), divisor));
    }

    @Override
    public Map<String, TensorEntry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    @Override
    public TensorEntry entry(String name) {
        TensorEntry entry = entries.get(name);
        if (entry == null) {
            String place = placements.isEmpty()
                    ? source.toString()
                    : source.origin(placements.values().iterator().next().tensor);
            throw SafetensorsFile.noSuchTensor(place, name, entries);
        }
        return entry;
    }

    @Override
    public MemorySegment segment(String name) {
        Placement placement = placement(name);
        MemorySegment whole = source.segment(placement.tensor);
        return switch (placement.change) {
            case Change.None _, Change.Squeezed _ -> whole;
            case Change.RowShare(int index, int count) -> {
                long size = whole.byteSize() / count;
                yield whole.asSlice(index * size, size);
            }
            case Change.SwappedHalves _ -> copies.computeIfAbsent(name, _ -> swapped(whole));
        };
    }

    private MemorySegment swapped(MemorySegment whole) {
        long half = whole.byteSize() / 2;
        MemorySegment copy = memory.allocate(whole.byteSize(), Long.BYTES * 8L);
        MemorySegment.copy(whole, half, copy, 0, half);
        MemorySegment.copy(whole, 0, copy, half, half);
        return copy.asReadOnly();
    }

    private Placement placement(String name) {
        return placements.getOrDefault(entry(name).name(), new Placement(name, Change.NONE));
    }

    @Override
    public void dropPages(String name) {
        Placement placement = placement(name);
        if (placement.change instanceof Change.RowShare) {
            MemorySegment rows = segment(name);
            if (rows.isMapped() && rows.byteSize() > 0) {
                rows.unload(); // not those of the other parts
            }
        } else {
            source.dropPages(placement.tensor);
        }
    }

    @Override
    public Map<String, String> metadata() {
        return source.metadata();
    }

    @Override
    public String origin(String name) {
        return source.origin(placement(name).tensor);
    }

    @Override
    public String dialect() {
        return dialect;
    }

    @Override
    public String fileName(String name) {
        Placement placement = placements.get(name);
        return placement == null ? fileName.apply(name) : placement.tensor;
    }

    @Override
    public void close() {
        source.close();
        if (memory.scope().isAlive()) {
            memory.close();
        }
    }
}
