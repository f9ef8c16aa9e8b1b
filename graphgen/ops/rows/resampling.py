"""Images made larger: upsampling and pixel shuffle."""
