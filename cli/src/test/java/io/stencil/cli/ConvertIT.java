package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConvertIT {

    @TempDir
    private Path folder;

    @Test
    void aFileIsConvertedAndDescribed() {
        Path out = folder.resolve("klein.gguf");
        StencilRun run = StencilRun.inProcess(
                        "convert", TestFiles.tinyModel("transformer").toString(), out.toString(), "--quantize=q8_0")
                .succeeded();
        assertThat(run.out().lines())
                .containsExactly(
                        "wrote " + out
                                + ": BFL names, FLUX.2 transformer: 2 double and 3 single blocks, 4 heads x 32, Q8_0, BF16 and F32");
        assertThat(StencilRun.inProcess("inspect", out.toString())
                        .succeeded()
                        .out()
                        .lines())
                .contains("  metadata general.architecture flux")
                .noneMatch(line -> line.contains("fault"));
    }

    @Test
    void aLoraIsConverted() throws IOException {
        Path out = folder.resolve("style.safetensors");
        String lora = TestFiles.golden("formats/lora/dora_peft.safetensors").toString();
        assertThat(StencilRun.inProcess("convert", lora, out.toString(), "--to=kohya")
                        .succeeded()
                        .out())
                .isEqualToIgnoringNewLines("wrote " + out + ": DoRA of 30 layers, kohya names");
        StencilRun.inProcess("convert", lora, out.toString(), "--to=kohya").failed(1, "exists; name another file");
        String other = folder.resolve("other.safetensors").toString();
        StencilRun.inProcess("convert", lora, other).failed(1, "expected diffusers, comfyui, kohya or peft for a LoRA");
        StencilRun.inProcess("convert", lora, other, "--to=bfl").failed(1, "comfyui has BFL's layers");
        StencilRun.inProcess("convert", lora, other, "--to=peft").failed(1, "must be a directory");
        StencilRun.inProcess("convert", lora, other, "--to=kohya", "--quantize=float8")
                .failed(1, "does not apply to a LoRA");
        assertThat(StencilRun.content(folder)).containsExactly("style.safetensors");
    }

    @Test
    void faultsAreOneLine() throws IOException {
        String vae = TestFiles.tinyModel("vae").toString();
        String out = folder.resolve("x.safetensors").toString();
        StencilRun.inProcess("convert", "absent", out).failed(1, "absent: no such file or folder");
        StencilRun.inProcess("convert", vae).failed(2, "OUT");
        StencilRun.inProcess("convert", vae, out, "--to=onnx")
                .failed(2, "expected diffusers, bfl, comfyui, kohya, peft, found 'onnx'");
        StencilRun.inProcess("convert", vae, out, "--quantize=q4_k")
                .failed(2, "expected float8, float8_rows, q8_0, q4_0, q5_1, found 'q4_k'");
        StencilRun.inProcess("convert", vae, vae + "/diffusion_pytorch_model.safetensors", "--overwrite")
                .failed(1, "is a file of IN, which it would replace");
        Path broken = Files.writeString(folder.resolve("broken.gguf"), "GGUF, but no more");
        StencilRun.inProcess("convert", broken.toString(), out).failed(1, "broken.gguf: ");
        Path file = Files.writeString(folder.resolve("file"), "");
        StencilRun.inProcess("convert", vae, file.resolve("x.safetensors").toString())
                .failed(1, "is not a directory");
        assertThat(StencilRun.content(folder)).containsExactly("broken.gguf", "file");
    }
}
