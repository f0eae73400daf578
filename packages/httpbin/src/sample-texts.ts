/** What the endpoints with fixed content say. */

/** `/robots.txt`. */
export const ROBOTS = "User-agent: *\nDisallow: /deny\n";

/** `/deny`. */
export const DENIED = `
        .------------.
       /   .-.  .-.   \\
      |   ( o )( o )   |
      |      .--.      |
      |     /    \\     |
       \\   '------'   /
        '------------'
    YOU SHOULD NOT BE HERE
`;

/** `/html`. */
export const HTML_PAGE = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>The lock keeper</title>
</head>
<body>
<h1>The lock keeper</h1>
<p>Every morning the lock keeper walked down to the sluice and looked at the water. When it stood high he opened the gate by
a hand's breadth, and when it stood low he closed it again, and the boats that waited on the upper side were let through in
the order in which they had come.</p>
<p>“Why not open it wide?” a boatman asked him once. “We would all be through by noon.” — “You would be through,” the lock
keeper said, “and the village below would be under water.”</p>
</body>
</html>
`;

/** `/json`: the slide show that every httpbin has. */
export const SLIDE_SHOW = {
  slideshow: {
    author: "Yours Truly",
    date: "date of publication",
    slides: [
      { title: "Wake up to WonderWidgets!", type: "all" },
      {
        items: ["Why <em>WonderWidgets</em> are great", "Who <em>buys</em> WonderWidgets"],
        title: "Overview",
        type: "all",
      },
    ],
    title: "Sample Slide Show",
  },
};

/** `/xml`: the same. */
export const SLIDE_SHOW_XML = `<?xml version="1.0" encoding="us-ascii"?>
<slideshow title="Sample Slide Show" date="Date of publication" author="Yours Truly">
  <slide type="all">
    <title>Wake up to WonderWidgets!</title>
  </slide>
  <slide type="all">
    <title>Overview</title>
    <item>Why <em>WonderWidgets</em> are great</item>
    <item/>
    <item>Who <em>buys</em> WonderWidgets</item>
  </slide>
</slideshow>
`;

/** `/encoding/utf8`: characters of one, two, three and four bytes, combining ones, and both directions of writing. */
export const UTF8_SAMPLE = `<h1>Text in UTF-8</h1>
<pre>
one byte     The quick brown fox jumps over the lazy dog
two bytes    Größe, façade, smørrebrød, Ελλάδα, Москва, Հայաստան, עברית, العربية
three bytes  नमस्ते, ไทย, 日本語, 한국어, ᏣᎳᎩ, ₿ € ∀x ∈ ℝ: ⌈x⌉ = −⌊−x⌋
four bytes   𝄞 𐍈 𠜎 😀 🏳️‍🌈
combining    a\u0308 o\u0302 n\u0303 z\u030C
drawing      ╔═══╗ ░▒▓█ ←↑→↓
</pre>
`;

/** `/forms/post`: what it asks for comes back from `/post`. */
export const FORM_PAGE = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>A form</title>
</head>
<body>
<form method="post" action="/post">
<p><label>Customer name: <input name="custname"></label></p>
<p><label>Telephone: <input type="tel" name="custtel"></label></p>
<p><label>E-mail address: <input type="email" name="custemail"></label></p>
<fieldset><legend>Pizza size</legend>
<p><label><input type="radio" name="size" value="small"> Small</label></p>
<p><label><input type="radio" name="size" value="medium"> Medium</label></p>
<p><label><input type="radio" name="size" value="large"> Large</label></p>
</fieldset>
<fieldset><legend>Pizza toppings</legend>
<p><label><input type="checkbox" name="topping" value="bacon"> Bacon</label></p>
<p><label><input type="checkbox" name="topping" value="cheese"> Extra cheese</label></p>
<p><label><input type="checkbox" name="topping" value="onion"> Onion</label></p>
<p><label><input type="checkbox" name="topping" value="mushroom"> Mushroom</label></p>
</fieldset>
<p><label>Preferred delivery time: <input type="time" min="11:00" max="21:00" step="900" name="delivery"></label></p>
<p><label>Delivery instructions: <textarea name="comments"></textarea></label></p>
<p><button>Submit order</button></p>
</form>
</body>
</html>
`;
