package dev.altair.sample.desktop

import java.nio.file.Path
import kotlin.test.Test
import kotlin.test.assertEquals

class StoreFolderTest {
    private fun folder(vararg arguments: String, environment: Map<String, String> = emptyMap(), system: String = "Linux") =
        storeFolder(arguments.toList(), environment, system, "/home/zoe")

    @Test
    fun what_is_named_comes_first() {
        val environment = mapOf("ALTAIR_HOME" to "/altair", "XDG_DATA_HOME" to "/data")
        assertEquals(Path.of("/here"), folder("/here", environment = environment))
        assertEquals(Path.of("/altair"), folder(environment = environment))
        assertEquals(Path.of("/data/altair"), folder(environment = environment - "ALTAIR_HOME"))
    }

    @Test
    fun else_it_is_where_the_command_line_keeps_it() {
        assertEquals(Path.of("/home/zoe/.local/share/altair"), folder())
        assertEquals(
            Path.of("/home/zoe/.local/share/altair"),
            folder(environment = mapOf("XDG_DATA_HOME" to "relative", "ALTAIR_HOME" to "")),
        )
        assertEquals(Path.of("/home/zoe/Library/Application Support/Altair"), folder(system = "Mac OS X"))
    }
}
