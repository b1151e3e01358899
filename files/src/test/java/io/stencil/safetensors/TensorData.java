package io.stencil.safetensors;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A tensor in memory, to write.
record TensorData(String name, SafetensorsDtype dtype, List<Long> shape, MemorySegment bytes) {

    TensorSpec spec() {
        return new TensorSpec(name, dtype, shape);
    }

    static void write(Path target, List<TensorData> tensors, Map<String, String> metadata) throws IOException {
        Map<String, MemorySegment> bytes = new HashMap<>();
        tensors.forEach(tensor -> bytes.put(tensor.name(), tensor.bytes()));
        SafetensorsWriter.write(
                target,
                tensors.stream().map(TensorData::spec).toList(),
                (spec, sink) -> sink.accept(bytes.getOrDefault(spec.name(), MemorySegment.NULL)),
                metadata);
    }
}
