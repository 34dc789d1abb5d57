package dev.altair.sample.desktop.look

import androidx.compose.ui.text.ExperimentalTextApi
import androidx.compose.ui.text.font.FontFamily
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.platform.SystemFont
import org.jetbrains.skia.FontMgr

/** The fonts that a person's system reads best in; the first that is installed. */
object Fonts {
    val text: FontFamily by lazy {
        firstOf("Inter", "SF Pro Text", "Segoe UI Variable Text", "Segoe UI", "Cantarell", "Ubuntu", "Noto Sans") ?: FontFamily.SansSerif
    }

    val code: FontFamily by lazy {
        firstOf("JetBrains Mono NL", "IBM Plex Mono", "Hack", "SF Mono", "Cascadia Mono", "Noto Sans Mono", "DejaVu Sans Mono")
            ?: FontFamily.Monospace
    }

    @OptIn(ExperimentalTextApi::class)
    private fun firstOf(vararg names: String): FontFamily? {
        val installed = FontMgr.default.let { fonts -> (0 until fonts.familiesCount).map(fonts::getFamilyName).toSet() }
        val name = names.firstOrNull(installed::contains) ?: return null
        return FontFamily(listOf(FontWeight.Normal, FontWeight.Medium, FontWeight.SemiBold, FontWeight.Bold).map { SystemFont(name, it) })
    }
}
