import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import java.util.jar.JarOutputStream;

/// Rewrites the class files of a jar for Java 21, with stack maps: the JDK neither archives nor verifies quickly class
/// files of Java 5, such as picocli's.
///
/// Usage: `java NewerClasses.java OLD.jar NEW.jar`
public final class NewerClasses {

    private static final ClassTransform NEWER = ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)
            .andThen((builder, element) -> {
                if (element instanceof ClassFileVersion) {
                    builder.withVersion(ClassFile.JAVA_21_VERSION, 0);
                } else {
                    builder.with(element);
                }
            });

    public static void main(String[] args) throws IOException {
        Path old = Path.of(args[0]);
        try (URLClassLoader classes = new URLClassLoader(new URL[] {old.toUri().toURL()});
                JarInputStream in = new JarInputStream(Files.newInputStream(old));
                JarOutputStream out = new JarOutputStream(Files.newOutputStream(Path.of(args[1])))) {
            ClassFile format = ClassFile.of(
                    ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
                    ClassFile.ClassHierarchyResolverOption.of(ClassHierarchyResolver.ofClassLoading(classes)));
            for (JarEntry entry = in.getNextJarEntry(); entry != null; entry = in.getNextJarEntry()) {
                if (entry.getName().endsWith(".class") && !entry.getName().startsWith("META-INF/")) {
                    out.putNextEntry(new JarEntry(entry.getName()));
                    out.write(format.transformClass(format.parse(in.readAllBytes()), NEWER));
                    out.closeEntry();
                }
            }
        }
    }
}
