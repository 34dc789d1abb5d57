package dev.altair.benchmark

import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.createDirectory
import kotlin.io.path.deleteRecursively
import kotlin.io.path.writeText
import kotlin.random.Random

/** The notes that everything is measured on: as many, and as long, every time. */
internal object Sample {
    const val NOTES = 1000

    /** A word that about one note in ten has. */
    const val QUERY = "greenhouse"

    /** What a person captures. */
    const val THOUGHT = "Ask Zoë whether the greenhouse needs a new window before the winter"

    private val words =
        "water sun wall fig plum garden shed fence paint ladder spring frost soil compost seed row bed path gate bench".split(' ')

    /** Titles and bodies, of a kilobyte each. */
    fun notes(): List<Pair<String, String>> {
        val random = Random(4)
        return List(NOTES) { n ->
            val body = List(170) { words[random.nextInt(words.size)] }.chunked(17) { it.joinToString(" ") }.joinToString(".\n")
            "Note $n" to if (random.nextInt(10) == 0) "$body\n$QUERY" else body
        }
    }

    /** The same as files. */
    fun vault(folder: Path): Path {
        val vault = folder.resolve("vault").createDirectory()
        for ((title, body) in notes()) vault.resolve("$title.md").writeText(body)
        return vault
    }
}

/** A folder for one run. */
internal class Scratch : AutoCloseable {
    val folder: Path = Files.createTempDirectory("altair-benchmark")

    @OptIn(ExperimentalPathApi::class)
    override fun close() = folder.deleteRecursively()
}
