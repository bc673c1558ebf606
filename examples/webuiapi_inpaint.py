"""Inpaint through the WebUI's API with the guard's settings by name: `pip install webuiapi`.

python examples/webuiapi_inpaint.py http://127.0.0.1:7860 photo.png mask.png "a red mug" out.png
"""

import sys

import webuiapi
from PIL import Image


def inpaint(api: webuiapi.WebUIApi, photo: Image.Image, mask: Image.Image, prompt: str):
    """The guarded picture, and what the guard has to say of it."""
    result = api.img2img(
        images=[photo],
        mask_image=mask,
        prompt=prompt,
        width=photo.width,
        height=photo.height,
        inpainting_fill=1,  # original
        inpaint_full_res=True,  # only masked
        inpaint_full_res_padding=32,
        denoising_strength=0.7,
        alwayson_scripts={"Bleed Guard": {"args": [{"preset": "tight-edit", "tolerance": 0}]}},
    )
    return result.image, result.info["extra_generation_params"]


def main() -> None:
    url, photo, mask, prompt, out = sys.argv[1:]
    api = webuiapi.WebUIApi(baseurl=f"{url}/sdapi/v1")
    picture, told = inpaint(api, Image.open(photo), Image.open(mask), prompt)
    picture.save(out)
    print("protected pixels changed:", told["Bleed outside"])
    print(told["Bleed guard report"])


if __name__ == "__main__":
    main()
